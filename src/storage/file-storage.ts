import { mkdir, readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OperatorError } from '../errors.ts';
import { NO_KEYS } from './coding/keys.ts';
import type { CopyResult } from './copy-file.ts';
import type { CopyPool } from './copy-pool.ts';
import { deleteFile, deleteTree, LeftOvers, removeIfEmpty } from './delete-files.ts';
import { createDurably, writeDurably } from './durable.ts';
import { readStream, writeStream } from './file-streams.ts';
import { folderVersion } from './folder-version.ts';
import { hardLink } from './hard-link.ts';
import { checkPrefix } from './layout.ts';
import { moveDurably } from './move-folder.ts';
import { RootDirectory } from './root-directory.ts';
import { isSameFile } from './same-file.ts';
import { damaged, explained, freeBytes, sourceChanged, storageError, explainedEach } from './storage-errors.ts';
import type {
  DeleteOptions,
  ExpectedFile,
  LinkOutcome,
  Storage,
  StoredEntry,
  StoredFile,
  SweepOptions,
  TransferOptions,
} from './storage.ts';
import { Unflushed } from './unflushed.ts';
import { lstatOrNull, readHead, walkFolder, type FoundFile } from './walk-folder.ts';

/**
 * Opens a directory as a storage. `create`: it is going to be written to, so make the directory when it is missing.
 * Throws STORAGE_FAILED.
 */
export async function openFileStorage(directory: string, pool: CopyPool, create: boolean): Promise<Storage> {
  const root = await RootDirectory.open(directory, create);
  if (create) pool.start();
  return new FileStorage(directory, root, pool);
}

class FileStorage implements Storage {
  readonly url: string;
  readonly coding = NO_KEYS;
  readonly #root: RootDirectory;
  readonly #pool: CopyPool;
  readonly #leftOvers = new LeftOvers();
  readonly #unflushed: Unflushed;

  constructor(directory: string, root: RootDirectory, pool: CopyPool) {
    this.url = pathToFileURL(directory).href;
    this.#root = root;
    this.#pool = pool;
    this.#unflushed = new Unflushed(root.path);
  }

  async putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile> {
    try {
      const target = await this.#prepare(key);
      const result = await this.#pool.run({ source: sourcePath, target, expected: null }, options);
      this.#unflushed.add(target);
      return storedFile(result, sourcePath);
    } catch (error) {
      const source = await lstatOrNull(sourcePath);
      if (!source?.isFile()) throw sourceChanged(sourcePath, 'there is no such file', error);
      throw await storageError(error, {
        operation: `storing ${key}`,
        directory: this.#root.path,
        needed: source.size,
      });
    }
  }

  async link(from: string, to: string, expected: { size: number; unchangedSince: number }): Promise<LinkOutcome> {
    return this.#attempt(`linking ${to} to ${from}`, null, async () => {
      const source = await this.#root.find(from);
      if (source === null) return 'NONE';
      const target = await this.#prepare(to);
      if (!(await hardLink(source, target, expected))) return 'NONE';
      this.#unflushed.add(target);
      return 'LINKED';
    });
  }

  async getFile(key: string, targetPath: string, expected: ExpectedFile, options?: TransferOptions): Promise<void> {
    const source = await this.#attempt(`reading ${key}`, null, () => this.#findFile(key));
    if (source === null) throw damaged(key, expected, 'there is no such file');
    const directory = dirname(targetPath);
    const act = { operation: `fetching ${key} to ${targetPath}`, directory, needed: expected.size };
    await explained(act, async () => {
      if (await isSameFile(this.#pool, targetPath, expected, options)) return;
      await mkdir(directory, { recursive: true });
      const result = await this.#pool.run({ source, target: targetPath, expected }, options);
      if (result.outcome === 'mismatch') {
        const sum = result.sha256 === null ? '' : ` with sha256 ${result.sha256}`;
        throw damaged(key, expected, `it has ${result.size} bytes${sum}`);
      }
      storedFile(result, source);
    });
  }

  async putStream(
    key: string,
    content: AsyncIterable<Buffer>,
    options: TransferOptions & { atMost?: number } = {},
  ): Promise<number> {
    return this.#attempt(`storing ${key}`, options.atMost ?? null, async () => {
      const target = await this.#prepare(key);
      const size = await writeStream(target, content, this.#pool.throttle, options);
      this.#unflushed.add(target);
      return size;
    });
  }

  async readStream(key: string, options?: TransferOptions): Promise<AsyncIterable<Buffer> | null> {
    const path = await this.#attempt(`reading ${key}`, null, () => this.#findFile(key));
    return path === null ? null : this.#explain(`reading ${key}`, readStream(path, this.#pool.throttle, options));
  }

  async checksum(key: string, options?: TransferOptions): Promise<StoredFile | null> {
    return this.#attempt(`reading ${key}`, null, async () => {
      const source = await this.#findFile(key);
      if (source === null) return null;
      return storedFile(await this.#pool.run({ source, target: null, expected: null }, options), source);
    });
  }

  async putDocument(key: string, content: string): Promise<void> {
    await this.#attempt(`storing ${key}`, Buffer.byteLength(content), async () =>
      writeDurably(await this.#root.prepare(key), content, this.#root.path),
    );
  }

  async createDocument(key: string, content: string): Promise<boolean> {
    return this.#attempt(`storing ${key}`, Buffer.byteLength(content), async () =>
      createDurably(await this.#root.prepare(key), content, this.#root.path),
    );
  }

  async getDocument(key: string): Promise<string | null> {
    return this.#attempt(`reading ${key}`, null, () => this.#whileThere(key, (path) => readFile(path, 'utf8')));
  }

  async getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    return this.#attempt(`reading ${key}`, null, () => this.#whileThere(key, (path) => readHead(path, bytes)));
  }

  async *list(prefix: string): AsyncGenerator<StoredEntry> {
    for await (const { key, size, modified, changed, unfinished } of this.#walk(prefix)) {
      if (!unfinished) yield { key, size, modified, changed };
    }
  }

  async ownBytes(prefix: string, { shared, signal }: Parameters<Storage['ownBytes']>[1] = {}): Promise<number> {
    let bytes = 0;
    for await (const { key, size, names } of this.#walk(prefix)) {
      signal?.throwIfAborted();
      if (names === 1 && !shared?.has(key)) bytes += size;
    }
    return bytes;
  }

  async *sweepUnfinished(prefix: string, { before, dryRun, signal }: SweepOptions): AsyncGenerator<StoredEntry> {
    for await (const { key, path, size, modified, changed, unfinished } of this.#walk(prefix)) {
      signal?.throwIfAborted();
      if (!unfinished || changed > before) continue;
      if (dryRun || (await this.#attempt(`deleting ${key}`, null, () => deleteFile(path)))) {
        yield { key, size, modified, changed };
      }
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const folder = await this.#findFolder(prefix);
    if (folder === null) return [];
    const entries = await this.#attempt(`listing ${prefix}`, null, () => readdir(folder, { withFileTypes: true }));
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  }

  async foldersVersion(prefix: string): Promise<string | null> {
    const folder = await this.#findFolder(prefix);
    return folder === null ? null : this.#attempt(`listing ${prefix}`, null, () => folderVersion(folder));
  }

  async delete(key: string): Promise<boolean> {
    return this.#attempt(`deleting ${key}`, null, async () => {
      const path = await this.#findFile(key);
      return path !== null && deleteFile(path);
    });
  }

  /** What the file system forbids it says when it is asked. */
  retainedUntil = (): Promise<null> => Promise.resolve(null);

  async deleteFolder(prefix: string, options: DeleteOptions = {}): Promise<void> {
    const folder = prefix === '' ? null : await this.#findFolder(prefix);
    if (folder === null) return;
    await this.#attempt(`deleting ${prefix}`, null, async () => {
      const parent = dirname(folder);
      // The folder of a whole cluster stays, also when it is empty.
      if ((await deleteTree(folder, prefix, options)) && prefix.split('/').length > 3) await removeIfEmpty(parent);
    });
  }

  async moveFolder(from: string, to: string): Promise<boolean> {
    return this.#attempt(`moving ${from} to ${to}`, null, async () => {
      const source = await this.#findFolder(from);
      if (source === null) return false;
      const target = await this.#root.prepare(checkPrefix(to).slice(0, -1));
      await moveDurably(source, target, this.#root.path);
      return true;
    });
  }

  async flush(): Promise<void> {
    await this.#attempt('flushing', null, async () => {
      await this.#root.check();
      await this.#unflushed.flush();
    });
  }

  async freeBytes(): Promise<number | null> {
    await this.#root.check();
    return freeBytes(this.#root.path);
  }

  async #attempt<T>(operation: string, needed: number | null, act: () => Promise<T>): Promise<T> {
    return explained({ operation, directory: this.#root.path, needed }, act);
  }

  /** Path of a stored file, null when there is none under that key. */
  async #findFile(key: string): Promise<string | null> {
    const path = await this.#root.find(key);
    const found = path === null ? null : await lstatOrNull(path);
    if (path === null || found === null || found.isDirectory()) return null;
    if (found.isFile()) return path;
    throw new OperatorError('STORAGE_FAILED', `expected a file, got a link or device at ${path}`, {
      hint: 'Symbolic links are not followed below the location: put the real file there.',
    });
  }

  /** Null where there is none. One that goes between the look and the reading is looked for again: it is gone, or the whole location is. */
  async #whileThere<T>(key: string, read: (path: string) => Promise<T>): Promise<T | null> {
    const path = await this.#findFile(key);
    if (path === null) return null;
    try {
      return await read(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return this.#whileThere(key, read);
      throw error;
    }
  }

  async #findFolder(prefix: string): Promise<string | null> {
    checkPrefix(prefix);
    return this.#attempt(`listing ${prefix}`, null, async () => {
      if (prefix === '') {
        await this.#root.check();
        return this.#root.path;
      }
      const path = await this.#root.find(prefix.slice(0, -1));
      return path !== null && (await lstatOrNull(path))?.isDirectory() ? path : null;
    });
  }

  /** What lies below a prefix, also what is unfinished. */
  async *#walk(prefix: string): AsyncGenerator<FoundFile> {
    const folder = await this.#findFolder(prefix);
    if (folder !== null) yield* this.#explain(`listing ${prefix}`, walkFolder(folder, prefix));
  }

  #explain<T>(operation: string, found: AsyncIterable<T>): AsyncGenerator<T> {
    return explainedEach({ operation, directory: this.#root.path, needed: null }, found);
  }

  /** Where a file is to lie. */
  async #prepare(key: string): Promise<string> {
    const target = await this.#root.prepare(key);
    await this.#leftOvers.removeFrom(dirname(target));
    return target;
  }
}

function storedFile(result: CopyResult, source: string): StoredFile {
  if (result.outcome === 'done') return result.file;
  throw sourceChanged(
    source,
    result.outcome === 'resized' ? `${result.before} bytes before, ${result.after} after` : 'other content',
  );
}
