import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { checkKey } from './layout.ts';
import { storageError } from './storage-errors.ts';

/**
 * The directory that a file storage lives in. It is made when the storage is opened for writing and never again:
 * where it disappears later, its file system was unmounted, and a new directory would lie on the wrong disk.
 */
export class RootDirectory {
  /** Free of symbolic links. */
  readonly path: string;
  readonly #device: number;
  readonly #inode: number;
  /** Looks at the disk that are under way. */
  readonly #looks = new Map<string, Promise<boolean>>();

  private constructor(path: string, device: number, inode: number) {
    this.path = path;
    this.#device = device;
    this.#inode = inode;
  }

  /** Throws STORAGE_FAILED when it is not there (and `create` is false), no directory or not accessible. */
  static async open(directory: string, create: boolean): Promise<RootDirectory> {
    try {
      if (create) await mkdir(directory, { recursive: true });
      const path = await realpath(directory);
      const { dev, ino } = await stat(path + '/');
      return new RootDirectory(path, dev, ino);
    } catch (error) {
      throw await storageError(error, { operation: `opening ${directory}`, directory, needed: null });
    }
  }

  /** Where a key lies, without a look at the disk. */
  pathOf(key: string): string {
    return join(this.path, checkKey(key));
  }

  /** Throws STORAGE_FAILED when the directory is not the one that was opened. */
  async check(): Promise<void> {
    await this.#once('', () => this.#isTheOneOpened());
  }

  async #isTheOneOpened(): Promise<true> {
    const now = await statOrNull(this.path);
    if (now?.dev === this.#device && now.ino === this.#inode) return true;
    throw new OperatorError(
      'STORAGE_FAILED',
      now === null
        ? `the location's directory ${this.path} has disappeared`
        : `the location's directory ${this.path} is not the one that was opened: another file system or directory took its place`,
      { hint: 'Mount its file system again, then start the job again. It is not created anew on purpose.' },
    );
  }

  /** Path of an existing entry, null when there is none. STORAGE_FAILED when a symbolic link is on its way. */
  async find(key: string): Promise<string | null> {
    const path = this.pathOf(key);
    await this.check();
    return (await this.#isRealFolder(dirname(path))) ? path : null;
  }

  /** Path for a new file; makes the folders that it needs, below the root only. */
  async prepare(key: string): Promise<string> {
    const path = this.pathOf(key);
    await this.check();
    await this.#makeFolder(dirname(path));
    return path;
  }

  async #makeFolder(folder: string): Promise<void> {
    if (folder === this.path || (await this.#isRealFolder(folder))) return;
    await this.#makeFolder(dirname(folder));
    try {
      await mkdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if ((await lstat(folder)).isSymbolicLink()) throw linkError(folder);
    }
  }

  async #isRealFolder(folder: string): Promise<boolean> {
    return this.#once(folder, () => isRealFolder(folder));
  }

  /** Many files are linked or stored at the same time: one look serves all who ask for it while it lasts. */
  async #once(what: string, look: () => Promise<boolean>): Promise<boolean> {
    const underWay = this.#looks.get(what);
    // What is missing may have come since that look began.
    if (underWay !== undefined && (await underWay)) return true;
    const own = look().finally(() => this.#looks.delete(what));
    this.#looks.set(what, own);
    return own;
  }
}

/** False when there is nothing. A folder whose real path is another one was reached through a symbolic link. */
async function isRealFolder(folder: string): Promise<boolean> {
  try {
    if ((await realpath(folder)) === folder) return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
  throw linkError(folder);
}

function linkError(folder: string): OperatorError {
  return new OperatorError('STORAGE_FAILED', `${folder} is reached through a symbolic link`, {
    hint: 'Symbolic links are not followed below the location: put a real folder there.',
  });
}

async function statOrNull(path: string): Promise<{ dev: number; ino: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESTALE' || code === 'ENOTDIR') return null;
    throw error;
  }
}
