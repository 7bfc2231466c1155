import type { ReadFile, TransferOptions } from '../storage.ts';
import { MissingObject, OtherSize, readParts, Replaced } from './download.ts';
import { attempt } from './retry.ts';
import { toldOnce } from './told-once.ts';
import type { Transfer } from './transfer.ts';

/** The content of an object, in its order, of one and the same put. Null: there is none. Reading it may throw Replaced. */
export async function readObject(
  transfer: Transfer,
  key: string,
  options: TransferOptions = {},
): Promise<AsyncGenerator<Buffer> | null> {
  const { store } = transfer;
  const found = await attempt(transfer, `looking for ${key}`, (one) => store.head(key, one.signal), options.signal);
  return found === null ? null : parts(transfer, key, found.size, options);
}

async function* parts(transfer: Transfer, key: string, size: number, options: TransferOptions): AsyncGenerator<Buffer> {
  try {
    yield* readParts(transfer, key, size, options);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    const isOther = error instanceof OtherSize || error instanceof MissingObject;
    throw isOther ? new Replaced(key, transfer.store.url) : error;
  }
}

/** Reads an object and says what it is. Null: there is none. */
export async function checksumOf(
  transfer: Transfer,
  key: string,
  options: TransferOptions & { crc32?: boolean } = {},
): Promise<ReadFile | null> {
  const { crc32 = true } = options;
  const oneMore = toldOnce(options);
  try {
    return await checksumOnce(transfer, key, { ...oneMore(), crc32 });
  } catch (error) {
    // Whatever is there now is one or the other.
    if (error instanceof Replaced) return await checksumOnce(transfer, key, { ...oneMore(), crc32 });
    throw error;
  }
}

async function checksumOnce(
  transfer: Transfer,
  key: string,
  { crc32, ...options }: TransferOptions & { crc32: boolean },
): Promise<ReadFile | null> {
  const content = await readObject(transfer, key, options);
  if (content === null) return null;
  const hasher = transfer.hashing.hasher(Number.POSITIVE_INFINITY);
  let size = 0;
  try {
    for await (const part of content) {
      await (crc32 ? hasher.addPart(part) : hasher.add(part));
      size += part.length;
    }
    return crc32 ? await hasher.facts() : { size, sha256: await hasher.sha256() };
  } finally {
    hasher.end();
  }
}
