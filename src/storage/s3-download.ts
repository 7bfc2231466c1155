import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { TEMPORARY_PREFIX } from './layout.ts';
import { endable, mayMove, partsOf, PARTS_AT_ONCE, type S3Object } from './s3-object.ts';
import { ShortRead, whileBroken } from './s3-retry.ts';
import type { TransferOptions } from './storage.ts';

/** An object's size is not what was expected. */
export class OtherSize extends Error {
  readonly size: number;

  constructor(size: number) {
    super(`it has ${size} bytes`);
    this.size = size;
  }
}

/**
 * Reads a whole object of a known size in ranges, several at once; `onPart` gets them in their order. What was begun is read to its end or not
 * at all, also when the object is replaced meanwhile. Throws OtherSize.
 */
export async function download(
  object: S3Object,
  size: number,
  onPart: (part: Buffer) => Promise<void> | void,
  options: TransferOptions = {},
): Promise<void> {
  const { signal, end } = endable(options.signal);
  const [first, ...rest] = partsOf(size);
  let etag: string | undefined;
  const fetch = async (range: Range): Promise<Fetched> => {
    const release = await object.memory.take(range.bytes, signal);
    try {
      await mayMove(object, range.bytes, signal);
      return { ...(await whileBroken(() => fetchOnce(object, range, { size, etag }, signal), signal)), release };
    } catch (error) {
      release();
      throw error;
    }
  };
  const use = async (fetched: Fetched): Promise<void> => {
    try {
      await onPart(fetched.body);
      options.onBytes?.(fetched.body.length);
    } finally {
      fetched.release();
    }
  };
  try {
    const begun = await fetch(first!);
    etag = begun.etag;
    await use(begun);
    await inOrder(rest, fetch, use);
  } catch (error) {
    end(error);
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

interface Range {
  begin: number;
  bytes: number;
}

interface Fetched {
  body: Buffer;
  etag: string | undefined;
  release: () => void;
}

/** Begins a few ahead of the one that is used. Once it throws, what was begun gives its memory back when it comes. */
async function inOrder(
  ranges: Range[],
  fetch: (range: Range) => Promise<Fetched>,
  use: (fetched: Fetched) => Promise<void>,
): Promise<void> {
  const coming: Promise<Fetched>[] = [];
  try {
    for (let index = 0; index < ranges.length + PARTS_AT_ONCE; index += 1) {
      const range = ranges[index];
      if (range !== undefined) coming.push(fetch(range));
      const next = index >= PARTS_AT_ONCE - 1 || range === undefined ? coming.shift() : undefined;
      if (next !== undefined) await use(await next);
    }
  } finally {
    for (const left of coming) {
      left.then(
        ({ release }) => release(),
        () => undefined,
      );
    }
  }
}

async function fetchOnce(
  { client, bucket, key }: S3Object,
  { begin, bytes }: Range,
  { size, etag }: { size: number; etag: string | undefined },
  signal: AbortSignal,
): Promise<{ body: Buffer; etag: string | undefined }> {
  const isPart = bytes < size;
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(isPart ? { Range: `bytes=${begin}-${begin + bytes - 1}` } : {}),
    ...(etag === undefined ? {} : { IfMatch: etag }),
  });
  const { Body, ContentRange, ContentLength, ETag } = await client.send(command, { abortSignal: signal });
  const body = Body as AsyncIterable<Uint8Array> & { destroy(): void };
  const whole = isPart ? Number(ContentRange?.split('/')[1]) : ContentLength;
  if (whole !== size) {
    body.destroy();
    throw new OtherSize(whole ?? Number.NaN);
  }
  return { body: await readBody(body, bytes), etag: ETag };
}

async function readBody(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let done = 0;
  for await (const chunk of body) {
    if (done + chunk.length > bytes) throw new ShortRead(`more than ${bytes} bytes came`);
    buffer.set(chunk, done);
    done += chunk.length;
  }
  if (done < bytes) throw new ShortRead(`${done} of ${bytes} bytes came`);
  return buffer;
}

/** Writes an object beside its place and lets it appear there when it is what was expected. Else says what it is, and leaves nothing. */
export async function downloadTo(
  object: S3Object,
  targetPath: string,
  expected: { size: number; sha256: string },
  options: TransferOptions = {},
): Promise<{ outcome: 'done' } | { outcome: 'mismatch'; sha256: string }> {
  await mkdir(dirname(targetPath), { recursive: true });
  const temporary = join(dirname(targetPath), `${TEMPORARY_PREFIX}${randomUUID()}`);
  const hash = createHash('sha256');
  try {
    const file = await open(temporary, 'wx');
    try {
      await download(
        object,
        expected.size,
        async (part) => {
          hash.update(part);
          await file.writeFile(part);
        },
        options,
      );
    } finally {
      await file.close();
    }
    const sha256 = hash.digest('hex');
    if (sha256 !== expected.sha256) return { outcome: 'mismatch', sha256 };
    await rename(temporary, targetPath);
    return { outcome: 'done' };
  } finally {
    await rm(temporary, { force: true });
  }
}
