import { dirname } from 'node:path';
import { fsyncPath, syncFileSystem } from './durable.ts';

/** Files that were stored and may not survive a power cut yet. */
export class Unflushed {
  readonly #root: string;
  readonly #paths = new Set<string>();

  /** Directory that they all lie in. */
  constructor(root: string) {
    this.#root = root;
  }

  add(path: string): void {
    this.#paths.add(path);
  }

  /** Makes all of them durable: at once where there is syncfs, otherwise each with the folders that it lies in. */
  async flush(): Promise<void> {
    if (!(await syncFileSystem(this.#root))) await this.#syncEach();
    this.#paths.clear();
  }

  async #syncEach(): Promise<void> {
    const folders = new Set<string>();
    for (const path of this.#paths) {
      await fsyncPath(path);
      for (let folder = dirname(path); folder.startsWith(this.#root); folder = dirname(folder)) folders.add(folder);
    }
    for (const folder of folders) await fsyncPath(folder);
  }
}
