import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatorError } from '../../errors.ts';
import { TEMPORARY_PREFIX } from '../layout.ts';
import type { TransferOptions } from '../storage.ts';
import { attempt, Finding, ShortRead } from './retry.ts';
import { endable, mayMove, partBytes, type Transfer } from './transfer.ts';

/** Ranges of one object on their way at the same time. */
const RANGES_AT_ONCE = 4;

/** There is no such object. */
export class MissingObject extends Finding {
  constructor() {
    super('there is no such file');
  }
}

/** An object's size is not what was expected. */
export class OtherSize extends Finding {
  constructor(size: number) {
    super(`it has ${size} bytes`);
  }
}

/** Between the first byte of an object and its last another one took its place. */
export class Replaced extends OperatorError {
  constructor(key: string, url: string) {
    super('STORAGE_UNAVAILABLE', `reading ${key} at ${url}: it was replaced while it was read`);
  }
}

interface Range {
  begin: number;
  bytes: number;
}

interface Fetched {
  body: Buffer;
  version: string;
  release: () => void;
}

/**
 * Reads a whole object of a known size in ranges, several at once; gives them in their order. All of them are of one and the same object. Throws
 * MissingObject, OtherSize, Replaced. A part's memory is given back when the next one is asked for.
 */
export async function* readParts(
  transfer: Transfer,
  key: string,
  size: number,
  options: TransferOptions = {},
): AsyncGenerator<Buffer> {
  const { signal, end } = endable(options.signal);
  const [first, ...rest] = rangesOf(size, partBytes(size, transfer.store.limits));
  let version: string | undefined;
  const coming: Promise<Fetched>[] = [];
  const fetch = (range: Range): void => {
    const fetched = fetchRange(transfer, key, range, { size, version }, signal);
    // A failure is told when its turn has come, and until then nobody listens.
    fetched.catch(() => undefined);
    coming.push(fetched);
  };
  fetch(first!);
  try {
    for (let next = coming.shift(); next !== undefined; next = coming.shift()) {
      const { body, release, version: found } = await next;
      version = found;
      // Only what is of the same version as the first may follow it.
      for (const range of rest.splice(0, RANGES_AT_ONCE - coming.length)) fetch(range);
      try {
        yield body;
      } finally {
        release();
      }
      options.onBytes?.(body.length);
    }
  } finally {
    end(new Error('nobody reads on'));
    for (const left of coming) {
      left.then(
        ({ release }) => release(),
        () => undefined,
      );
    }
  }
}

function rangesOf(size: number, bytes: number): Range[] {
  const ranges = [{ begin: 0, bytes: Math.min(bytes, size) }];
  for (let begin = bytes; begin < size; begin += bytes) ranges.push({ begin, bytes: Math.min(bytes, size - begin) });
  return ranges;
}

async function fetchRange(
  transfer: Transfer,
  key: string,
  range: Range,
  expected: { size: number; version: string | undefined },
  signal: AbortSignal,
): Promise<Fetched> {
  const release = await transfer.memory.take(range.bytes, signal);
  try {
    await mayMove(transfer, range.bytes, signal);
    const read = () => fetchOnce(transfer, key, range, expected, signal);
    return { ...(await attempt(transfer, `reading ${key}`, read, signal)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function fetchOnce(
  { store }: Transfer,
  key: string,
  { begin, bytes }: Range,
  { size, version }: { size: number; version: string | undefined },
  signal: AbortSignal,
): Promise<{ body: Buffer; version: string }> {
  const range = bytes < size ? { begin, bytes } : null;
  const found = await store.read(key, range, { version, signal });
  if (found === null) throw version === undefined ? new MissingObject() : new Replaced(key, store.url);
  if (found.size === size) return { body: await readBody(found.body, bytes), version: found.version };
  // Begins and ends the answer, so that its connection is free.
  for await (const _ of found.body) break;
  throw new OtherSize(found.size);
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

/**
 * Writes an object beside its place and lets it appear there when it is what was expected. Otherwise says what it is, and leaves nothing. Throws
 * MissingObject, OtherSize.
 */
export async function downloadTo(
  transfer: Transfer,
  key: string,
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
      for await (const part of readParts(transfer, key, expected.size, options)) {
        hash.update(part);
        await file.writeFile(part);
      }
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
