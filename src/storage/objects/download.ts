import { OperatorError } from '../../errors.ts';
import { SILENCE_MS } from '../network.ts';
import type { TransferOptions } from '../storage.ts';
import { attempt, Finding } from './retry.ts';
import { mayMove, partBytes, type Transfer } from './transfer.ts';
import { endable, ShortRead, type Try } from './watch.ts';

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

/** Between the first byte of an object and its last another one took its place, or none. */
export class Replaced extends OperatorError {
  constructor(key: string, url: string) {
    super('STORAGE_UNAVAILABLE', `reading ${key} at ${url}: it was replaced or deleted while it was read`);
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
 * MissingObject, OtherSize, Replaced. A part is not to be used any more when the next one is asked for: its memory is used again.
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
    const left = await Promise.allSettled(coming);
    for (const each of left) if (each.status === 'fulfilled') each.value.release();
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
  const { buffer, release } = await transfer.memory.take(range.bytes, signal);
  try {
    await mayMove(transfer, range.bytes, signal);
    const read = (one: Try) => fetchOnce(transfer, key, { ...range, buffer }, expected, one);
    return { ...(await attempt(transfer, `reading ${key}`, read, signal, SILENCE_MS)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function fetchOnce(
  { store }: Transfer,
  key: string,
  { begin, bytes, buffer }: Range & { buffer: Buffer },
  { size, version }: { size: number; version: string | undefined },
  one: Try,
): Promise<{ body: Buffer; version: string }> {
  const range = bytes < size ? { begin, bytes } : null;
  const found = await store.read(key, range, { version, into: buffer, ...one });
  if (found === null) throw version === undefined ? new MissingObject() : new Replaced(key, store.url);
  if (found.size === size) return { body: await readBody(found.body, buffer, one), version: found.version };
  // Begins and ends the answer, so that its connection is free.
  for await (const _ of found.body) break;
  if (Number.isNaN(found.size)) throw new ShortRead('the answer does not say how long it is');
  throw new OtherSize(found.size);
}

async function readBody(body: AsyncIterable<Uint8Array>, buffer: Buffer, { signal, moved }: Try): Promise<Buffer> {
  const bytes = buffer.length;
  let done = 0;
  for await (const chunk of body) {
    // A try that was given up writes nothing more: the memory may be another one's.
    signal.throwIfAborted();
    if (done + chunk.length > bytes) throw new ShortRead(`more than ${bytes} bytes came`);
    const isThere = chunk.buffer === buffer.buffer && chunk.byteOffset === buffer.byteOffset + done;
    if (!isThere) buffer.set(chunk, done);
    done += chunk.length;
    moved();
  }
  if (done < bytes) throw new ShortRead(`${done} of ${bytes} bytes came`);
  return buffer;
}
