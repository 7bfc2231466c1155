import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { OperatorError } from '../errors.ts';
import type { CopyPool } from './copy-pool.ts';
import { checkPrefix } from './layout.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { MOST_DELETED, S3Bucket } from './s3-bucket.ts';
import { createS3Client } from './s3-client.ts';
import { download, downloadTo, OtherSize } from './s3-download.ts';
import { isMissingObject, isPreconditionFailed, s3Error } from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { moveObjects } from './s3-move.ts';
import { sweepUploads } from './s3-unfinished.ts';
import { upload } from './s3-upload.ts';
import { damaged, sourceChanged } from './storage-errors.ts';
import type {
  DeleteOptions,
  LinkOutcome,
  Storage,
  StoredEntry,
  StoredFile,
  SweepOptions,
  TransferOptions,
} from './storage.ts';

export interface S3Deps {
  /** Hashes what lies at the target of a download already; its throttle is that of all transfers. */
  pool: CopyPool;
  memory: MemoryBudget;
  env: NodeJS.ProcessEnv;
  /** False: somebody waits for the answer, and can do without it. */
  patient: boolean;
  /** It is going to be written to. */
  create: boolean;
}

/** Opens a place in a bucket. Says in seconds what is wrong with it. Throws STORAGE_FAILED, STORAGE_UNAVAILABLE. */
export async function openS3Storage(location: S3Location, deps: S3Deps): Promise<Storage> {
  const bucket = new S3Bucket(location, createS3Client(location, deps.env, deps.patient), {
    memory: deps.memory,
    throttle: deps.pool.throttle,
  });
  await bucket.check(deps.create);
  return new S3Storage(bucket, deps.pool);
}

class S3Storage implements Storage {
  readonly url: string;
  readonly #bucket: S3Bucket;
  readonly #pool: CopyPool;

  constructor(bucket: S3Bucket, pool: CopyPool) {
    this.url = bucket.location.url;
    this.#bucket = bucket;
    this.#pool = pool;
  }

  async putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile> {
    const object = this.#bucket.object(key);
    options?.signal?.throwIfAborted();
    try {
      const result = await upload(object, sourcePath, options);
      if (result.outcome === 'done') return result.file;
      throw sourceChanged(sourcePath, `${result.before} bytes before, ${result.after} after`);
    } catch (error) {
      if (options?.signal?.aborted) throw options.signal.reason;
      if (!(await isFile(sourcePath))) throw sourceChanged(sourcePath, 'there is no such file', error);
      throw s3Error(error, `storing ${key}`, this);
    }
  }

  /** Nothing can be linked, but an earlier object can be named. */
  async link(from: string, _to: string, expected: { size: number; unchangedSince: number }): Promise<LinkOutcome> {
    const found = await this.#bucket.head(from);
    const isSame = found !== null && found.size === expected.size && found.modified <= expected.unchangedSince;
    return isSame ? 'REFERENCED' : 'NONE';
  }

  async getFile(
    key: string,
    targetPath: string,
    expected: { size: number; sha256: string },
    options?: TransferOptions,
  ): Promise<void> {
    const object = this.#bucket.object(key);
    if (await this.#isSame(targetPath, expected, options)) return;
    try {
      const result = await downloadTo(object, targetPath, expected, options);
      if (result.outcome === 'done') return;
      throw damaged(key, expected, `it has ${expected.size} bytes with sha256 ${result.sha256}`);
    } catch (error) {
      if (options?.signal?.aborted) throw options.signal.reason;
      if (error instanceof OtherSize) throw damaged(key, expected, error.message);
      if (isMissingObject(error)) throw damaged(key, expected, 'there is no such file');
      throw s3Error(error, `fetching ${key} to ${targetPath}`, this);
    }
  }

  async checksum(key: string, options?: TransferOptions): Promise<StoredFile | null> {
    const hash = createHash('sha256');
    let crc = 0;
    const size = await this.#read(
      key,
      (part) => {
        hash.update(part);
        crc = crc32(part, crc);
      },
      options,
    );
    return size === null ? null : { size, sha256: hash.digest('hex'), crc32: crc };
  }

  async putDocument(key: string, content: string): Promise<void> {
    await this.#bucket.attempt(`storing ${key}`, () => this.#bucket.put(key, content));
  }

  async createDocument(key: string, content: string): Promise<boolean> {
    return this.#bucket.attempt(`storing ${key}`, async () => {
      try {
        await this.#bucket.put(key, content, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
        // A request whose answer was lost is sent again: then it is this very document that is there.
        return (await this.getDocument(key)) === content;
      }
    });
  }

  getDocument(key: string): Promise<string | null> {
    return this.#bucket.text(key);
  }

  getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    return this.#bucket.start(key, bytes);
  }

  async *list(prefix: string): AsyncGenerator<StoredEntry> {
    for await (const { Contents = [] } of this.#bucket.pages(prefix)) {
      for (const { Key = '', Size = 0, LastModified } of Contents) {
        // Some tools mark folders by empty objects.
        if (Key.endsWith('/')) continue;
        const modified = LastModified?.getTime() ?? 0;
        yield { key: this.#bucket.keyOf(Key), size: Size, modified, changed: modified };
      }
    }
  }

  async ownBytes(prefix: string, { shared, signal }: Parameters<Storage['ownBytes']>[1] = {}): Promise<number> {
    let bytes = 0;
    for await (const { key, size } of this.list(prefix)) {
      signal?.throwIfAborted();
      if (!shared?.has(key)) bytes += size;
    }
    return bytes;
  }

  async folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { CommonPrefixes = [] } of this.#bucket.pages(prefix, { Delimiter: '/' })) {
      for (const { Prefix = '' } of CommonPrefixes) names.push(this.#bucket.keyOf(Prefix).slice(prefix.length, -1));
    }
    return names.sort();
  }

  /** Nothing in a bucket tells. */
  foldersVersion(): Promise<null> {
    return Promise.resolve(null);
  }

  async delete(key: string): Promise<boolean> {
    if ((await this.#bucket.head(key)) === null) return false;
    await this.#bucket.delete(key);
    return true;
  }

  async deleteFolder(prefix: string, { keep, signal, onFile }: DeleteOptions = {}): Promise<void> {
    if (checkPrefix(prefix) === '') return;
    const batch: string[] = [];
    const deleteBatch = async (): Promise<void> => {
      const keys = batch.splice(0);
      if (keys.length === 0) return;
      await this.#bucket.deleteAll(keys, signal);
      for (const key of keys) onFile?.(key);
    };
    for await (const { key } of this.list(prefix)) {
      signal?.throwIfAborted();
      if (!keep?.has(key)) batch.push(key);
      if (batch.length === MOST_DELETED) await deleteBatch();
    }
    await deleteBatch();
  }

  sweepUnfinished(prefix: string, options: SweepOptions): AsyncIterable<StoredEntry> {
    return sweepUploads(this.#bucket, prefix, options);
  }

  moveFolder(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return moveObjects(this.#bucket, this, { from: checkPrefix(from), to: checkPrefix(to) }, signal);
  }

  /** What a put returned for is durable. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  freeBytes(): Promise<null> {
    return Promise.resolve(null);
  }

  /** Reads an object whole, in order; its size, or null when there is none. */
  async #read(key: string, onPart: (part: Buffer) => void, options?: TransferOptions): Promise<number | null> {
    options?.signal?.throwIfAborted();
    const found = await this.#bucket.head(key);
    if (found === null) return null;
    try {
      await download(this.#bucket.object(key), found.size, onPart, options);
      return found.size;
    } catch (error) {
      if (options?.signal?.aborted) throw options.signal.reason;
      if (isMissingObject(error)) return null;
      if (error instanceof OtherSize || isPreconditionFailed(error)) throw new Replaced(key, this.url, error);
      throw s3Error(error, `reading ${key}`, this);
    }
  }

  async #isSame(path: string, expected: { size: number; sha256: string }, options?: TransferOptions): Promise<boolean> {
    if (!(await isFile(path, expected.size))) return false;
    const result = await this.#pool.run({ source: path, target: null, expected }, options);
    return result.outcome === 'done';
  }
}

/** Between the look at an object and its last byte another one took its place. */
class Replaced extends OperatorError {
  constructor(key: string, url: string, cause: unknown) {
    super('STORAGE_UNAVAILABLE', `reading ${key} at ${url}: it was replaced while it was read`, { cause });
  }
}

async function isFile(path: string, size?: number): Promise<boolean> {
  try {
    const stats = await lstat(path);
    return stats.isFile() && (size === undefined || stats.size === size);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
