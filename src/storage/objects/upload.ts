import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { messageOf, OperatorError, wrapError } from '../../errors.ts';
import type { StoredFile, TransferOptions } from '../storage.ts';
import type { ObjectUpload } from './object-store.ts';
import { FileReader, StreamReader, type PartReader } from './part-reader.ts';
import { attempt } from './retry.ts';
import { endable, mayMove, partBytes, type Transfer } from './transfer.ts';

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
    const reader = new FileReader(file, path, stats.size, partBytes(stats.size, transfer.store.limits));
    await upload(transfer, key, reader, options);
    return reader.facts;
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
  const reader = new StreamReader(content, partBytes(options.atMost ?? limits.part * limits.parts, limits));
  try {
    return await upload(transfer, key, reader, options);
  } finally {
    await reader.end();
  }
}

async function upload(transfer: Transfer, key: string, reader: PartReader, options: TransferOptions): Promise<number> {
  const release = await transfer.memory.take(reader.nextBytes, options.signal);
  let isTaken = false;
  try {
    const first = await reader.next();
    if (first.isLast) {
      await sendWhole(transfer, key, first.body, reader, options);
      return first.body.length;
    }
    isTaken = true;
    return await sendParts(transfer, key, { ...first, release }, reader, options);
  } finally {
    if (!isTaken) release();
  }
}

async function sendWhole(
  transfer: Transfer,
  key: string,
  body: Buffer,
  reader: PartReader,
  { signal, onBytes }: TransferOptions,
): Promise<void> {
  await mayMove(transfer, body.length, endable(signal).signal);
  await reader.check();
  const how = { crc32: crc32(body), signal };
  await attempt(transfer, `storing ${key}`, () => transfer.store.put(key, body, how), signal);
  onBytes?.(body.length);
}

interface Part {
  body: Buffer;
  isLast: boolean;
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
    const how = { partBytes: first.body.length, signal };
    upload = await attempt(transfer, operation, () => store.beginUpload(key, how), signal);
  } catch (error) {
    first.release();
    throw error;
  }
  try {
    const bytes = await new Sending(transfer, operation, upload, options, { signal, end }).all(first, reader);
    await reader.check();
    options.signal?.throwIfAborted();
    await attempt(transfer, operation, () => upload.complete(), options.signal);
    return bytes;
  } catch (error) {
    throw await givenUp(transfer, key, upload, error);
  }
}

/** What may be tried again goes on with the parts that are there; all others would be paid for until somebody finds them. */
async function givenUp(transfer: Transfer, key: string, upload: ObjectUpload, error: unknown): Promise<unknown> {
  if (error instanceof OperatorError && error.retryable) return error;
  try {
    await attempt(transfer, `giving up ${key}`, () => upload.abort());
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
  async #send(index: number, begin: number, { body, isLast, release }: Part): Promise<void> {
    const part = { index, begin, body, crc32: crc32(body), isLast };
    try {
      if (!this.#upload.holds({ index, crc32: part.crc32, bytes: body.length })) {
        await mayMove(this.#transfer, body.length, this.#signal);
        const send = () => this.#upload.send(part, this.#signal);
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

async function take(reader: PartReader, memory: Transfer['memory'], signal: AbortSignal): Promise<Part> {
  const release = await memory.take(reader.nextBytes, signal);
  try {
    return { ...(await reader.next()), release };
  } catch (error) {
    release();
    throw error;
  }
}
