import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { sourceChanged } from '../storage-errors.ts';
import type { StoredFile } from '../storage.ts';

/** What is to be stored, part by part. */
export interface PartReader {
  /** The most bytes that the next part may have. */
  readonly nextBytes: number;
  next(): Promise<{ body: Buffer; isLast: boolean }>;
  /** To be asked when all is sent and nothing is visible yet: throws where it is not what it was. */
  check(): Promise<void>;
}

/** Reads a file once, in order, and hashes it while it passes. Throws SNAPSHOT_FAILED where it changes meanwhile. */
export class FileReader implements PartReader {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #size: number;
  readonly #partBytes: number;
  readonly #sha256 = createHash('sha256');
  #crc32 = 0;
  #begin = 0;

  constructor(file: FileHandle, path: string, size: number, bytes: number) {
    this.#file = file;
    this.#path = path;
    this.#size = size;
    this.#partBytes = bytes;
  }

  /** To be asked once, when all was read. */
  get facts(): StoredFile {
    return { size: this.#size, sha256: this.#sha256.digest('hex'), crc32: this.#crc32 };
  }

  get nextBytes(): number {
    return Math.min(this.#partBytes, this.#size - this.#begin);
  }

  async next(): Promise<{ body: Buffer; isLast: boolean }> {
    const body = Buffer.allocUnsafe(this.nextBytes);
    for (let done = 0; done < body.length;) {
      const { bytesRead } = await this.#file.read(body, done, body.length - done, this.#begin + done);
      if (bytesRead === 0) throw await this.#changed();
      done += bytesRead;
    }
    this.#begin += body.length;
    this.#sha256.update(body);
    this.#crc32 = crc32(body, this.#crc32);
    return { body, isLast: this.#begin === this.#size };
  }

  async check(): Promise<void> {
    if ((await this.#file.stat()).size !== this.#size) throw await this.#changed();
  }

  async #changed(): Promise<unknown> {
    const { size } = await this.#file.stat();
    return sourceChanged(this.#path, `${this.#size} bytes before, ${size} after`);
  }
}

/** Makes parts of what comes. */
export class StreamReader implements PartReader {
  readonly nextBytes: number;
  readonly #chunks: AsyncIterator<Buffer>;
  /** What came and was not given yet. */
  #waiting: Buffer[] = [];
  #bytes = 0;
  #ended = false;

  constructor(chunks: AsyncIterable<Buffer>, bytes: number) {
    this.nextBytes = bytes;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** One more byte than a part has is waited for: only then it is known whether it is the last. */
  async next(): Promise<{ body: Buffer; isLast: boolean }> {
    while (!this.#ended && this.#bytes <= this.nextBytes) {
      const { value, done } = await this.#chunks.next();
      if (done) this.#ended = true;
      else this.#add(value);
    }
    const all = Buffer.concat(this.#waiting);
    const body = all.subarray(0, this.nextBytes);
    this.#waiting = [];
    this.#bytes = 0;
    this.#add(all.subarray(body.length));
    return { body, isLast: this.#bytes === 0 };
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets whoever makes the stream clean up; to be called however the upload ends. */
  async end(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
  }

  #add(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
  }
}
