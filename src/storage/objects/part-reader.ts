import type { FileHandle } from 'node:fs/promises';
import type { Hasher } from '../hasher.ts';
import type { PartSums } from '../part-sums.ts';
import { sourceChanged } from '../storage-errors.ts';

/** A part of what is to be stored. */
export interface ReadPart {
  body: Buffer;
  isLast: boolean;
  /** Of the body. */
  sums: Promise<PartSums>;
}

/** What is to be stored, part by part. */
export interface PartReader {
  /** The most bytes that the next part may have. */
  readonly nextBytes: number;
  /** Fills a buffer of that size, as far as there is anything. */
  next(buffer: Buffer): Promise<ReadPart>;
  /** To be asked when all is sent and nothing is visible yet: throws where it is not what it was. */
  check(): Promise<void>;
}

/** Reads a file once, in order, and has it hashed while it passes. Throws SNAPSHOT_FAILED where it changes meanwhile. */
export class FileReader implements PartReader {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #size: number;
  readonly #partBytes: number;
  readonly #hasher: Hasher;
  #begin = 0;

  constructor(
    file: FileHandle,
    { path, size }: { path: string; size: number },
    { bytes, hasher }: { bytes: number; hasher: Hasher },
  ) {
    this.#file = file;
    this.#path = path;
    this.#size = size;
    this.#partBytes = bytes;
    this.#hasher = hasher;
  }

  get nextBytes(): number {
    return Math.min(this.#partBytes, this.#size - this.#begin);
  }

  async next(body: Buffer): Promise<ReadPart> {
    for (let done = 0; done < body.length;) {
      const { bytesRead } = await this.#file.read(body, done, body.length - done, this.#begin + done);
      if (bytesRead === 0) throw await this.#changed();
      done += bytesRead;
    }
    this.#begin += body.length;
    return { body, isLast: this.#begin === this.#size, sums: this.#hasher.addPart(body) };
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
  readonly #sums: (body: Buffer) => Promise<PartSums>;
  /** What came and was not given yet. */
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(
    chunks: AsyncIterable<Buffer>,
    { bytes, sums }: { bytes: number; sums: (body: Buffer) => Promise<PartSums> },
  ) {
    this.nextBytes = bytes;
    this.#sums = sums;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async next(buffer: Buffer): Promise<ReadPart> {
    let bytes = 0;
    // One byte more than a part has is waited for: only then it is known whether it is the last.
    while (bytes < buffer.length || (this.#rest.length === 0 && !this.#ended)) {
      if (this.#rest.length === 0) {
        if (this.#ended) break;
        const { value, done } = await this.#chunks.next();
        if (done) this.#ended = true;
        else this.#rest = value;
      }
      const copied = this.#rest.copy(buffer, bytes);
      this.#rest = this.#rest.subarray(copied);
      bytes += copied;
    }
    const body = buffer.subarray(0, bytes);
    return { body, isLast: this.#ended && this.#rest.length === 0, sums: this.#sums(body) };
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets whoever makes the stream clean up; to be called however the upload ends. */
  async end(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
  }
}
