import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { wrapError } from '../../errors.ts';
import { sourceChanged } from '../storage-errors.ts';
import type { StoredFile } from '../storage.ts';
import { lstatOrNull } from '../walk-folder.ts';
import { AT_ONCE, type Chunk } from './encode.ts';

/** A file that is to be stored: read once, in order, and hashed while it passes. */
export class SourceFile {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #sha256 = createHash('sha256');
  /** Memory that is used again and again: to get new one for each chunk takes longer than to encrypt it. */
  readonly #buffers: Buffer[] = [];
  #crc32 = 0;
  #done = 0;

  private constructor(file: FileHandle, path: string, size: number) {
    this.#file = file;
    this.#path = path;
    this.size = size;
  }

  /** Throws SNAPSHOT_FAILED where there is none. */
  static async open(path: string): Promise<SourceFile> {
    const found = await lstatOrNull(path);
    if (!found?.isFile()) throw sourceChanged(path, 'there is no such file');
    const file = await reading(path, () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
    return new SourceFile(file, path, (await file.stat()).size);
  }

  /** The next bytes, so many but for the last ones. Throws SNAPSHOT_FAILED where the file has become shorter. */
  async next(most: number): Promise<Chunk> {
    const left = Math.min(most, this.size - this.#done);
    const buffer = this.#buffers.length > AT_ONCE ? this.#buffers.shift()! : Buffer.allocUnsafe(left);
    this.#buffers.push(buffer);
    const plain = buffer.subarray(0, left);
    for (let read = 0; read < plain.length;) {
      const [begin, bytes] = [this.#done + read, plain.length - read];
      const { bytesRead } = await reading(this.#path, () => this.#file.read(plain, read, bytes, begin));
      if (bytesRead === 0) throw await this.#changed();
      read += bytesRead;
    }
    this.#done += plain.length;
    this.#sha256.update(plain);
    this.#crc32 = crc32(plain, this.#crc32);
    return { plain, isLast: this.#done === this.size };
  }

  /** What all of it is; to be asked once, when all was read. */
  facts(): StoredFile {
    return { size: this.size, sha256: this.#sha256.digest('hex'), crc32: this.#crc32 };
  }

  /** Throws SNAPSHOT_FAILED where the file has another size than at first. */
  async check(): Promise<void> {
    if ((await this.#file.stat()).size !== this.size) throw await this.#changed();
  }

  /** As the file system tells it from all others, and from itself before its content was changed. A link more or less changes its ctime, so that is left out. */
  async identity(): Promise<string> {
    const { dev, ino, size, mtimeNs } = await this.#file.stat({ bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #changed(): Promise<unknown> {
    const { size } = await this.#file.stat();
    return sourceChanged(this.#path, `${this.size} bytes before, ${size} after`);
  }
}

/** Not the location's error, which it would be taken for. */
async function reading<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw wrapError(`read ${path}`, error, 'STORAGE_FAILED');
  }
}

/** True for a Data.db that Cassandra has compressed: it writes a CompressionInfo.db beside it then. */
export async function isCompressedSSTable(path: string): Promise<boolean> {
  const information = path.replace(/-Data\.db$/, '-CompressionInfo.db');
  return information !== path && (await lstatOrNull(information)) !== null;
}
