import { readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncPath } from './durable.ts';
import { TEMPORARY_PREFIX } from './layout.ts';
import type { DeleteOptions } from './storage.ts';

/** Deletes one file; the folder that it was in is durable without it. False when there is none. */
export async function deleteFile(path: string): Promise<boolean> {
  const deleted = await unlessGone(unlink(path));
  if (deleted) await fsyncPath(dirname(path));
  return deleted;
}

/**
 * Deletes what is in a folder and below it, and the folder when nothing is left in it. `prefix` is the key of the folder, with a `/` at the
 * end. What is reached by a symbolic link is not touched: the link is an entry like a file. True when the folder is gone.
 */
export async function deleteTree(folder: string, prefix: string, options: DeleteOptions): Promise<boolean> {
  const { keep, signal, onFile } = options;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    signal?.throwIfAborted();
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await deleteTree(path, `${prefix}${entry.name}/`, options);
    else if (!keep?.has(prefix + entry.name) && (await unlessGone(unlink(path)))) onFile?.(prefix + entry.name);
  }
  return removeIfEmpty(folder);
}

/** A folder that stays is durable without what was in it; of one that goes, the folder around it is. */
export async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await unlessGone(rmdir(folder));
    await fsyncPath(dirname(folder));
    return true;
  } catch (error) {
    if (!NOT_EMPTY.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await fsyncPath(folder);
    return false;
  }
}

const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST']);

async function unlessGone(act: Promise<void>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Deletes what killed writers have left in a folder. */
async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(folder, name), { force: true });
  }
}

/**
 * A writer that was killed leaves its temporary. Each folder of a node's backup has one writer at a time, so what lies there when this one begins
 * is rubbish.
 */
export class LeftOvers {
  readonly #removed = new Map<string, Promise<void>>();

  /** Does nothing the second time. */
  async removeFrom(folder: string): Promise<void> {
    // One promise for all: a put that did not wait would lose its own temporary.
    let removed = this.#removed.get(folder);
    if (removed === undefined) {
      removed = removeTemporaries(folder);
      this.#removed.set(folder, removed);
    }
    return removed;
  }
}
