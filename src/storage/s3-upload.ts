import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { aborting, crc32Text, endable, mayMove, partsOf, PART, PARTS_AT_ONCE, type S3Object } from './s3-object.ts';
import type { StoredFile, TransferOptions } from './storage.ts';

/** `resized`: the source changed while it was read; nothing of it is there. */
export type Uploaded = { outcome: 'done'; file: StoredFile } | { outcome: 'resized'; before: number; after: number };

/**
 * Stores a file's content. It is read once, in order, and hashed while it passes; its parts are sent several at once, each with its CRC-32,
 * which the store checks. Nothing is visible before all of it is there. Throws the system's error where the source is no file.
 */
export async function upload(object: S3Object, path: string, options: TransferOptions = {}): Promise<Uploaded> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EISDIR' });
    const source = new Source(file, stats.size);
    const send = stats.size > PART ? sendParts : sendWhole;
    if (await send(object, source, options)) return { outcome: 'done', file: source.facts };
    return { outcome: 'resized', before: stats.size, after: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

class Source {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #sha256: Hash = createHash('sha256');
  #crc32 = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** To be asked once, when all was read. */
  get facts(): StoredFile {
    return { size: this.size, sha256: this.#sha256.digest('hex'), crc32: this.#crc32 };
  }

  /** The next part; null where the file ends before. */
  async read(begin: number, bytes: number): Promise<Buffer | null> {
    const buffer = Buffer.allocUnsafe(bytes);
    for (let done = 0; done < bytes;) {
      const { bytesRead } = await this.#file.read(buffer, done, bytes - done, begin + done);
      if (bytesRead === 0) return null;
      done += bytesRead;
    }
    this.#sha256.update(buffer);
    this.#crc32 = crc32(buffer, this.#crc32);
    return buffer;
  }

  async isUnchanged(): Promise<boolean> {
    return (await this.#file.stat()).size === this.size;
  }
}

/** False when the source changed. */
type Send = (object: S3Object, source: Source, options: TransferOptions) => Promise<boolean>;

const sendWhole: Send = async (object, source, options) => {
  const { client, bucket, key, memory } = object;
  const release = await memory.take(source.size, options.signal);
  try {
    await mayMove(object, source.size, endable(options.signal).signal);
    const body = await source.read(0, source.size);
    if (body === null || !(await source.isUnchanged())) return false;
    const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ChecksumCRC32: crc32Text(crc32(body)) });
    await client.send(put, aborting(options));
    options.onBytes?.(body.length);
    return true;
  } finally {
    release();
  }
};

const sendParts: Send = async (object, source, options) => {
  const { client, bucket, key } = object;
  const where = { Bucket: bucket, Key: key };
  const create = new CreateMultipartUploadCommand({ ...where, ChecksumAlgorithm: 'CRC32' });
  const { UploadId } = await client.send(create, aborting(options));
  const multipart = { ...where, UploadId };
  let isWhole = false;
  try {
    const parts = await sendAll(object, source, multipart, options);
    if (parts === null || !(await source.isUnchanged())) return false;
    options.signal?.throwIfAborted();
    await client.send(new CompleteMultipartUploadCommand({ ...multipart, MultipartUpload: { Parts: parts } }));
    isWhole = true;
    return true;
  } finally {
    // Whatever went wrong: its parts would be paid for until somebody finds them.
    if (!isWhole) await client.send(new AbortMultipartUploadCommand(multipart));
  }
};

interface Multipart {
  Bucket: string;
  Key: string;
  UploadId: string | undefined;
}

/** Null when the source ends too early. Throws only when nothing is on its way any more. */
async function sendAll(
  object: S3Object,
  source: Source,
  multipart: Multipart,
  options: TransferOptions,
): Promise<CompletedPart[] | null> {
  const { client, memory } = object;
  const { signal, end } = endable(options.signal);
  const parts: CompletedPart[] = [];
  const running = new Set<Promise<void>>();
  const send = async (index: number, Body: Buffer, release: () => void): Promise<void> => {
    const part = { PartNumber: index + 1, ChecksumCRC32: crc32Text(crc32(Body)) };
    try {
      await mayMove(object, Body.length, signal);
      const { ETag } = await client.send(new UploadPartCommand({ ...multipart, ...part, Body }), {
        abortSignal: signal,
      });
      parts[index] = { ...part, ETag };
      options.onBytes?.(Body.length);
    } catch (error) {
      end(error);
    } finally {
      release();
    }
  };
  try {
    for (const [index, { begin, bytes }] of partsOf(source.size).entries()) {
      const release = await memory.take(bytes, signal);
      const body = await source.read(begin, bytes);
      if (body === null) {
        release();
        return null;
      }
      const sending = send(index, body, release).finally(() => running.delete(sending));
      running.add(sending);
      if (running.size >= PARTS_AT_ONCE) await Promise.race(running);
      signal.throwIfAborted();
    }
  } finally {
    await Promise.all(running);
  }
  signal.throwIfAborted();
  return parts;
}
