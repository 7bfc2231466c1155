import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { temporaryName } from '../copy-target.ts';
import { TEMPORARY_PREFIX } from '../layout.ts';

/** Google ends a session a week after it was begun, Azure forgets blocks a week after the last one came. */
const LONGEST_MS = 6 * 24 * 60 * 60 * 1000;

const { O_RDWR, O_APPEND, O_NOFOLLOW } = constants;

interface Deps {
  clock: Clock;
  /** Is warned where the folder cannot be used. */
  log?: Pick<Logger, 'warn'> | undefined;
}

/**
 * What a node has begun to store and not ended, so that another process goes on with it: small files in a folder beside the node's data, which nobody else
 * can read. One that is missing, damaged or old costs that bytes are sent again, nothing else. Never throws.
 */
export class KeptUploads {
  readonly #directory: string;
  readonly #deps: Deps;

  private constructor(directory: string, deps: Deps) {
    this.#directory = directory;
    this.#deps = deps;
  }

  /** Sweeps what nobody will ask for any more. The folder is made when it is needed. */
  static async open(directory: string, deps: Deps): Promise<KeptUploads> {
    const uploads = new KeptUploads(directory, deps);
    await uploads.#trying('swept', () => uploads.#sweep());
    return uploads;
  }

  /** Where something is kept of the upload of that key to that location. */
  path(what: 'session' | 'salt', location: string, key: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([what, location, key]))
      .digest('hex');
    return join(this.#directory, name);
  }

  /** For reading and appending. Null where nothing is kept, or for too long. */
  async open(path: string): Promise<FileHandle | null> {
    return this.#trying('read', async () => {
      const file = await open(path, O_RDWR | O_APPEND | O_NOFOLLOW);
      if (!this.#isOld(await file.stat())) return file;
      await file.close();
      return null;
    });
  }

  /** Takes the place of what was kept there, for reading and appending; it has that text and ends with the file's name. Null where it cannot be made. */
  async create(path: string, text: string): Promise<FileHandle | null> {
    return this.#trying('kept', async () => {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const temporary = join(this.#directory, temporaryName());
      const file = await open(temporary, 'ax+', 0o600);
      try {
        await file.appendFile(text);
        await rename(temporary, path);
        return file;
      } catch (error) {
        await file.close();
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  async read(path: string): Promise<string | null> {
    const file = await this.open(path);
    if (file === null) return null;
    return this.#trying('read', async () => {
      try {
        return await file.readFile('utf8');
      } finally {
        await file.close();
      }
    });
  }

  async keep(path: string, text: string): Promise<void> {
    await (await this.create(path, text))?.close();
  }

  async forget(path: string): Promise<void> {
    await this.#trying('forgotten', () => rm(path, { force: true }));
  }

  /** Of temporaries whoever made them is gone: a node has one process at a time, and this is asked when it begins to store. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (name.startsWith(TEMPORARY_PREFIX) || this.#isOld(await lstat(path))) await rm(path, { force: true });
    }
  }

  #isOld({ mtimeMs }: { mtimeMs: number }): boolean {
    return mtimeMs < this.#deps.clock.now() - LONGEST_MS;
  }

  async #trying<T>(what: string, act: () => Promise<T>): Promise<T | null> {
    try {
      return await act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        const facts = { directory: this.#directory, reason: messageOf(error) };
        this.#deps.log?.warn(facts, `unfinished uploads cannot be ${what}: one that is cut short begins anew`);
      }
      return null;
    }
  }
}
