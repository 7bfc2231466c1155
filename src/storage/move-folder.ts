import { lstat, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperatorError } from '../errors.ts';
import { removeIfEmpty } from './delete-files.ts';
import { fsyncFolders } from './durable.ts';

/** Gives a folder another name, where nothing has it yet; the folder that it was in goes when it is empty. Durable on return. Throws NAME_TAKEN. */
export async function moveDurably(from: string, to: string, root: string): Promise<void> {
  // rename(2) itself would replace an empty folder without a word.
  if (await isThere(to)) throw new OperatorError('NAME_TAKEN', `expected nothing at ${to}, but something is there`);
  await rename(from, to);
  await fsyncFolders(dirname(to), root);
  await removeIfEmpty(dirname(from));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
