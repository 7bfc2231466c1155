import { link, lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './copy-target.ts';

/**
 * Not there or no file; another file system; no hard links here, or not to files of another user; as many links as the file
 * system takes (ext4: 65,000).
 */
const REFUSALS = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'EXDEV',
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
]);

/** What the source has to be: bytes, and epoch ms by which its content had its last change. */
interface Expected {
  size: number;
  unchangedSince: number;
}

/**
 * Gives the file at `source` a second name. False, with nothing changed, where it cannot have one or is not a regular file of that size whose
 * content was last changed by then (epoch ms). What is already at `target` is replaced.
 */
export async function hardLink(source: string, target: string, expected: Expected): Promise<boolean> {
  try {
    return await linkAs(source, target, expected);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return replace(source, target, expected);
    if (REFUSALS.has(code)) return false;
    throw error;
  }
}

async function replace(source: string, target: string, expected: Expected): Promise<boolean> {
  const temporary = join(dirname(target), temporaryName());
  try {
    if (!(await linkAs(source, temporary, expected))) return false;
    await rename(temporary, target);
    return true;
  } catch (error) {
    if (REFUSALS.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    // Also after the rename: between two names of one file it does nothing, and both stay.
    await rm(temporary, { force: true });
  }
}

/** Looks at what was linked, not at the source: whoever swaps that at the same time changes nothing. Throws EEXIST. */
async function linkAs(source: string, name: string, expected: Expected): Promise<boolean> {
  await link(source, name);
  const found = await lstat(name);
  if (found.isFile() && found.size === expected.size && Math.floor(found.mtimeMs) <= expected.unchangedSince) {
    return true;
  }
  await rm(name, { force: true });
  return false;
}
