import { mkdir, readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OperatorError } from '../errors.ts';
import type { CopyResult } from './copy-file.ts';
import type { CopyPool } from './copy-pool.ts';
import { deleteFile, deleteTree, removeIfEmpty, removeTemporaries } from './delete-files.ts';
import { createDurably, fsyncPath, syncFileSystem, writeDurably } from './durable.ts';
import { folderVersion } from './folder-version.ts';
import { hardLink } from './hard-link.ts';
import { checkPrefix } from './layout.ts';
import { moveDurably } from './move-folder.ts';
import { RootDirectory } from './root-directory.ts';
import { damaged, explained, freeBytes, sourceChanged, storageError } from './storage-errors.ts';
import type {
  DeleteOptions,
  LinkOutcome,
  Storage,
  StoredEntry,
  StoredFile,
  SweepOptions,
  TransferOptions,
} from './storage.ts';
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
  readonly #root: RootDirectory;
  readonly #pool: CopyPool;
  /** Folders whose left-overs of an earlier, killed writer were removed. */
  readonly #swept = new Map<string, Promise<void>>();
  /** What flush() has to make durable where there is no syncfs. */
  readonly #unflushed = new Set<string>();

  constructor(directory: string, root: RootDirectory, pool: CopyPool) {
    this.url = pathToFileURL(directory).href;
    this.#root = root;
    this.#pool = pool;
  }

  async putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile> {
    try {
      const target = await this.#root.prepare(key);
      await this.#sweep(dirname(target));
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
      const target = await this.#root.prepare(to);
      await this.#sweep(dirname(target));
      if (!(await hardLink(source, target, expected))) return 'NONE';
      this.#unflushed.add(target);
      return 'LINKED';
    });
  }

  async getFile(
    key: string,
    targetPath: string,
    expected: { size: number; sha256: string },
    options?: TransferOptions,
  ): Promise<void> {
    const source = await this.#attempt(`reading ${key}`, null, () => this.#findFile(key));
    if (source === null) throw damaged(key, expected, 'there is no such file');
    const directory = dirname(targetPath);
    const act = { operation: `fetching ${key} to ${targetPath}`, directory, needed: expected.size };
    await explained(act, async () => {
      if (await this.#isSame(targetPath, expected, options)) return;
      await mkdir(directory, { recursive: true });
      const result = await this.#pool.run({ source, target: targetPath, expected }, options);
      if (result.outcome === 'mismatch') {
        const sum = result.sha256 === null ? '' : ` with sha256 ${result.sha256}`;
        throw damaged(key, expected, `it has ${result.size} bytes${sum}`);
      }
      storedFile(result, source);
    });
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
    return this.#attempt(`reading ${key}`, null, async () => {
      const path = await this.#findFile(key);
      return path === null ? null : readFile(path, 'utf8');
    });
  }

  async getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    return this.#attempt(`reading ${key}`, null, async () => {
      const path = await this.#findFile(key);
      return path === null ? null : readHead(path, bytes);
    });
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
      if (!(await syncFileSystem(this.#root.path))) await this.#syncEach();
      this.#unflushed.clear();
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
    if (folder === null) return;
    try {
      yield* walkFolder(folder, prefix);
    } catch (error) {
      throw await storageError(error, { operation: `listing ${prefix}`, directory: this.#root.path, needed: null });
    }
  }

  async #isSame(path: string, expected: { size: number; sha256: string }, options?: TransferOptions): Promise<boolean> {
    const found = await lstatOrNull(path);
    if (!found?.isFile() || found.size !== expected.size) return false;
    const result = await this.#pool.run({ source: path, target: null, expected }, options);
    return result.outcome === 'done';
  }

  /**
   * A writer that was killed leaves its temporary. Each folder of a node's backup has one writer at a time, so
   * what lies there when this one begins is rubbish.
   */
  async #sweep(folder: string): Promise<void> {
    // One promise for all: a put that did not wait would lose its own temporary to the sweep.
    let sweep = this.#swept.get(folder);
    if (sweep === undefined) {
      sweep = removeTemporaries(folder);
      this.#swept.set(folder, sweep);
    }
    return sweep;
  }

  async #syncEach(): Promise<void> {
    const folders = new Set<string>();
    for (const path of this.#unflushed) {
      await fsyncPath(path);
      for (let folder = dirname(path); folder.startsWith(this.#root.path); folder = dirname(folder))
        folders.add(folder);
    }
    for (const folder of folders) await fsyncPath(folder);
  }
}

function storedFile(result: CopyResult, source: string): StoredFile {
  if (result.outcome === 'done') return result.file;
  throw sourceChanged(
    source,
    result.outcome === 'resized' ? `${result.before} bytes before, ${result.after} after` : 'other content',
  );
}
