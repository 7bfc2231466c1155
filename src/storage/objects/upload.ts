import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { messageOf, OperatorError, wrapError } from '../../errors.ts';
import type { StoredFile, TransferOptions } from '../storage.ts';
import type { ObjectUpload } from './object-store.ts';
import { FileReader, StreamReader, type PartReader, type ReadPart } from './part-reader.ts';
import { attempt, LAST } from './retry.ts';
import { mayMove, partBytes, type Transfer } from './transfer.ts';
import { endable, type Try } from './watch.ts';

/**
 * Stores a file's content. It is read once, in order, and hashed while it passes; parts are sent several at once. Nothing is visible before all
 * of it is there. Throws the system's error where the source is no file, SNAPSHOT_FAILED where it changes.
 */
export async function uploadFile(
  transfer: Transfer,
  key: string,
  path: string,
  options: TransferOptions = {},
): Promise<StoredFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EISDIR' });
    const { size } = stats;
    const hasher = transfer.hashing.hasher(size, transfer.store.limits.partSum);
    try {
      const reader = new FileReader(file, { path, size }, { bytes: partBytes(size, transfer.store.limits), hasher });
      await upload(transfer, key, reader, options);
      return await hasher.facts();
    } finally {
      hasher.end();
    }
  } finally {
    await file.close();
  }
}

/** Stores what comes, at most so many bytes. Its bytes. */
export async function uploadStream(
  transfer: Transfer,
  key: string,
  content: AsyncIterable<Buffer>,
  options: TransferOptions & { atMost?: number } = {},
): Promise<number> {
  const { limits } = transfer.store;
  const reader = new StreamReader(content, {
    bytes: partBytes(options.atMost ?? limits.part * limits.parts, limits),
    sums: (body) => transfer.hashing.sums(body, limits.partSum),
  });
  try {
    return await upload(transfer, key, reader, options);
  } finally {
    await reader.end();
  }
}

async function upload(transfer: Transfer, key: string, reader: PartReader, options: TransferOptions): Promise<number> {
  const first = await take(reader, transfer.memory, options.signal);
  if (!first.isLast) return sendParts(transfer, key, first, reader, options);
  try {
    await sendWhole(transfer, key, first, reader, options);
    return first.body.length;
  } finally {
    first.release();
  }
}

async function sendWhole(
  transfer: Transfer,
  key: string,
  { body, sums }: Part,
  reader: PartReader,
  { signal, onBytes }: TransferOptions,
): Promise<void> {
  await mayMove(transfer, body.length, endable(signal).signal);
  const checks = await sums;
  await reader.check();
  const put = (one: Try) => transfer.store.put(key, body, { ...checks, signal: one.signal });
  await attempt(transfer, `storing ${key}`, put, signal);
  onBytes?.(body.length);
}

interface Part extends ReadPart {
  /** Gives the memory back. */
  release: () => void;
}

async function sendParts(
  transfer: Transfer,
  key: string,
  first: Part,
  reader: PartReader,
  options: TransferOptions,
): Promise<number> {
  const { store } = transfer;
  const operation = `storing ${key}`;
  const { signal, end } = endable(options.signal);
  let upload: ObjectUpload;
  try {
    const how = { partBytes: first.body.length, firstCrc32: (await first.sums).crc32 };
    const begin = (one: Try) => store.beginUpload(key, { ...how, signal: one.signal });
    upload = await attempt(transfer, operation, begin, signal);
  } catch (error) {
    first.release();
    throw error;
  }
  try {
    const bytes = await new Sending(transfer, operation, upload, options, { signal, end }).all(first, reader);
    await reader.check();
    options.signal?.throwIfAborted();
    await attempt(transfer, operation, (one) => upload.complete(one.signal), options.signal);
    return bytes;
  } catch (error) {
    throw await givenUp(transfer, key, upload, error, options.signal?.aborted === true);
  }
}

/** What may be tried again goes on with the parts that are there; all others would be paid for until somebody finds them. */
async function givenUp(
  transfer: Transfer,
  key: string,
  upload: ObjectUpload,
  error: unknown,
  isHurried: boolean,
): Promise<unknown> {
  if (error instanceof OperatorError && error.retryable) return error;
  const operation = `giving up ${key}`;
  try {
    // Whoever wants it to end does not wait for a store that is far away: what is left then is found by a sweep.
    if (isHurried) await attempt({ ...transfer, patience: LAST }, operation, () => upload.abort());
    else await attempt(transfer, operation, () => upload.abort());
    return error;
  } catch (second) {
    return wrapError(`${messageOf(second)}, after`, error, 'STORAGE_FAILED');
  }
}

/** The parts of one upload on their way. */
class Sending {
  readonly #transfer: Transfer;
  readonly #operation: string;
  readonly #upload: ObjectUpload;
  readonly #options: TransferOptions;
  readonly #signal: AbortSignal;
  readonly #end: (reason: unknown) => void;
  readonly #running = new Set<Promise<void>>();

  constructor(
    transfer: Transfer,
    operation: string,
    upload: ObjectUpload,
    options: TransferOptions,
    { signal, end }: ReturnType<typeof endable>,
  ) {
    this.#transfer = transfer;
    this.#operation = operation;
    this.#upload = upload;
    this.#options = options;
    this.#signal = signal;
    this.#end = end;
  }

  /** Bytes that were sent. Ends only when nothing is on its way any more. */
  async all(first: Part, reader: PartReader): Promise<number> {
    const { memory, store } = this.#transfer;
    let begin = 0;
    try {
      let part = first;
      for (let index = 0; ; index += 1) {
        const sending = this.#send(index, begin, part).finally(() => this.#running.delete(sending));
        this.#running.add(sending);
        begin += part.body.length;
        if (part.isLast) break;
        if (this.#running.size >= store.limits.partsAtOnce) await Promise.race(this.#running);
        this.#signal.throwIfAborted();
        part = await take(reader, memory, this.#signal);
      }
    } finally {
      await Promise.all(this.#running);
    }
    this.#signal.throwIfAborted();
    return begin;
  }

  /** Never rejects: a failure ends all that is on its way. */
  async #send(index: number, begin: number, { release, ...read }: Part): Promise<void> {
    try {
      const part = { ...read, ...(await read.sums), index, begin };
      const { body } = part;
      if (!this.#upload.holds({ index, crc32: part.crc32, bytes: body.length })) {
        const missing = this.#upload.lacks?.({ begin, bytes: body.length }) ?? body.length;
        await mayMove(this.#transfer, missing, this.#signal);
        const send = (one: Try) => this.#upload.send(part, one.signal);
        await attempt(this.#transfer, this.#operation, send, this.#signal);
      }
      this.#options.onBytes?.(body.length);
    } catch (error) {
      this.#end(error);
    } finally {
      release();
    }
  }
}

async function take(reader: PartReader, memory: Transfer['memory'], signal: AbortSignal | undefined): Promise<Part> {
  const { buffer, release } = await memory.take(reader.nextBytes, signal);
  try {
    return { ...(await reader.next(buffer)), release };
  } catch (error) {
    release();
    throw error;
  }
}
