import { lstat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../clock.ts';
import { NO_KEYS } from '../coding/keys.ts';
import { OperatorError } from '../../errors.ts';
import type { CopyPool } from '../copy-pool.ts';
import { hashingHere, type Hashing } from '../hasher.ts';
import { checkKey, checkPrefix } from '../layout.ts';
import { sourceChanged } from '../storage-errors.ts';
import type {
  DeleteOptions,
  LinkOutcome,
  ReadFile,
  Storage,
  StoredEntry,
  StoredFile,
  SweepOptions,
  TransferOptions,
} from '../storage.ts';
import { bringObject } from './bring.ts';
import { deleteKeys } from './delete-keys.ts';
import { readHead, readText } from './documents.ts';
import type { KeptUploads } from './kept-uploads.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { moveObjects } from './move.ts';
import type { ObjectPage, ObjectStore } from './object-store.ts';
import { checksumOf, readObject } from './read-object.ts';
import { latestRetention } from './retention.ts';
import { attempt, HASTY, PATIENT } from './retry.ts';
import type { Transfer } from './transfer.ts';
import { sweepUploads } from './unfinished.ts';
import { uploadFile, uploadStream } from './upload.ts';
import type { Try } from './watch.ts';

export interface ObjectDeps {
  /** Hashes what lies at the target of a download already; its throttle is that of all transfers. */
  pool: CopyPool;
  memory: MemoryBudget;
  clock: Clock;
  /** False: somebody waits for the answer, and can do without it. */
  patient: boolean;
  /** It is going to be written to. */
  create: boolean;
  /** By default on the calling thread. */
  hashing?: Hashing | undefined;
  /** Where it is kept what is needed to go on with an upload in another process. By default nowhere. */
  uploads?: KeptUploads | undefined;
}

/** Opens a place in a store. Says in seconds what is wrong with it. Throws STORAGE_FAILED, STORAGE_UNAVAILABLE. */
export async function openObjectStorage(store: ObjectStore, deps: ObjectDeps): Promise<Storage> {
  const { pool, memory, clock, patient, create, hashing = hashingHere } = deps;
  const transfer = { store, memory, clock, hashing, throttle: pool.throttle, patience: patient ? PATIENT : HASTY };
  await attempt(transfer, 'looking', (one) => store.check(create, one.signal));
  return new ObjectStorage(transfer, pool);
}

/** Keeps backups in any store of objects. */
class ObjectStorage implements Storage {
  readonly url: string;
  readonly coding = NO_KEYS;
  readonly #transfer: Transfer;
  readonly #store: ObjectStore;
  readonly #pool: CopyPool;

  constructor(transfer: Transfer, pool: CopyPool) {
    this.url = transfer.store.url;
    this.#transfer = transfer;
    this.#store = transfer.store;
    this.#pool = pool;
  }

  async putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile> {
    checkKey(key);
    options?.signal?.throwIfAborted();
    try {
      return await uploadFile(this.#transfer, key, sourcePath, options);
    } catch (error) {
      if (options?.signal?.aborted) throw options.signal.reason;
      if (await isFile(sourcePath)) throw error;
      throw sourceChanged(sourcePath, 'there is no such file', error);
    }
  }

  async putStream(
    key: string,
    content: AsyncIterable<Buffer>,
    options?: TransferOptions & { atMost?: number },
  ): Promise<number> {
    return await uploadStream(this.#transfer, checkKey(key), content, options);
  }

  /** Nothing can be linked, but an earlier object can be named. */
  async link(from: string, to: string, expected: { size: number; unchangedSince: number }): Promise<LinkOutcome> {
    checkKey(to);
    const found = await this.#attempt(`looking for ${from}`, (one) => this.#store.head(checkKey(from), one.signal));
    const isSame = found !== null && found.size === expected.size && found.modified <= expected.unchangedSince;
    if (!isSame) return 'NONE';
    // What a new backup refers to is kept for as long as what it brings.
    await this.#attempt(`retaining ${from}`, async (one) => this.#store.retainAnew?.(from, found, one.signal));
    return 'REFERENCED';
  }

  async getFile(
    key: string,
    targetPath: string,
    expected: { size: number; sha256: string },
    options?: TransferOptions,
  ): Promise<void> {
    checkKey(key);
    if (await this.#isSame(targetPath, expected, options)) return;
    try {
      await bringObject(this.#transfer, key, targetPath, expected, options);
    } catch (error) {
      throw options?.signal?.aborted ? options.signal.reason : error;
    }
  }

  async checksum(key: string, options?: Parameters<Storage['checksum']>[1]): Promise<ReadFile | null> {
    options?.signal?.throwIfAborted();
    return await checksumOf(this.#transfer, checkKey(key), options);
  }

  async readStream(key: string, options?: TransferOptions): Promise<AsyncIterable<Buffer> | null> {
    options?.signal?.throwIfAborted();
    const content = await readObject(this.#transfer, checkKey(key), options);
    return content && copies(content);
  }

  async putDocument(key: string, content: string): Promise<void> {
    await this.#put(key, content, {});
  }

  async createDocument(key: string, content: string): Promise<boolean> {
    if (await this.#put(key, content, { onlyNew: true })) return true;
    // A request whose answer was lost is sent again: then it is this very document that is there.
    return (await this.getDocument(key)) === content;
  }

  async getDocument(key: string): Promise<string | null> {
    return await readText(this.#transfer, checkKey(key));
  }

  async getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    return await readHead(this.#transfer, checkKey(key), bytes);
  }

  async *list(prefix: string): AsyncGenerator<StoredEntry> {
    for await (const { objects } of this.#pages(prefix, true)) {
      // Some tools mark folders by empty objects.
      for (const entry of objects) if (!entry.key.endsWith('/')) yield entry;
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
    for await (const { folders } of this.#pages(prefix, false)) {
      names.push(...folders.map((folder) => folder.slice(prefix.length, -1)));
    }
    return names.sort();
  }

  /** Nothing in a store of objects tells. */
  foldersVersion(): Promise<null> {
    return Promise.resolve(null);
  }

  async delete(key: string): Promise<boolean> {
    const found = await this.#attempt(`looking for ${key}`, (one) => this.#store.head(checkKey(key), one.signal));
    if (found === null) return false;
    await this.#attempt(`deleting ${key}`, (one) => this.#store.delete(key, one.signal));
    return true;
  }

  retainedUntil(...[prefix, options]: Parameters<Storage['retainedUntil']>): Promise<number | null> {
    return latestRetention(this.#transfer, this.list(prefix), options);
  }

  async deleteFolder(prefix: string, { keep, signal, onFile }: DeleteOptions = {}): Promise<void> {
    if (checkPrefix(prefix) === '') return;
    await deleteKeys(this.#transfer, keysBut(keep, this.list(prefix)), { signal, onKey: onFile });
  }

  sweepUnfinished(prefix: string, options: SweepOptions): AsyncIterable<StoredEntry> {
    return sweepUploads(this.#transfer, prefix, options);
  }

  moveFolder(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return moveObjects(this.#transfer, this, { from: checkPrefix(from), to: checkPrefix(to) }, signal);
  }

  /** What a put returned for is durable. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  freeBytes(): Promise<null> {
    return Promise.resolve(null);
  }

  #put(key: string, content: string, how: { onlyNew?: boolean }): Promise<boolean> {
    const body = Buffer.from(content);
    const options = { ...how, crc32: crc32(body) };
    return this.#attempt(`storing ${key}`, ({ signal }) =>
      this.#store.put(checkKey(key), body, { ...options, signal }),
    );
  }

  async *#pages(prefix: string, flat: boolean): AsyncGenerator<ObjectPage> {
    checkPrefix(prefix);
    let after: string | null = null;
    do {
      const how: { flat: boolean; after: string | null } = { flat, after };
      const list = ({ signal }: Try) => this.#store.page(prefix, { ...how, signal });
      const page: ObjectPage = await this.#attempt(`listing ${prefix}`, list);
      yield page;
      if (page.next !== null && page.next === after) throw endless(prefix, this.url);
      after = page.next;
    } while (after !== null);
  }

  #attempt<T>(operation: string, act: (one: Try) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return attempt(this.#transfer, operation, act, signal);
  }

  async #isSame(path: string, expected: { size: number; sha256: string }, options?: TransferOptions): Promise<boolean> {
    if (!(await isFile(path, expected.size))) return false;
    const result = await this.#pool.run({ source: path, target: null, expected }, options);
    return result.outcome === 'done';
  }
}

function endless(prefix: string, url: string): OperatorError {
  return new OperatorError(
    'STORAGE_FAILED',
    `listing ${prefix} at ${url}: the store gives the same page again and again`,
  );
}

async function* keysBut(
  keep: ReadonlySet<string> | undefined,
  entries: AsyncIterable<StoredEntry>,
): AsyncGenerator<string> {
  for await (const { key } of entries) if (!keep?.has(key)) yield key;
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

/** The memory of a part is used again, and who reads may keep what it was given. */
async function* copies(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const part of content) yield Buffer.from(part);
}
