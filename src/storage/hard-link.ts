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

/**
 * Gives the file at `source` a second name. False, with nothing changed, where it cannot have one or is not a regular file of that size whose
 * content was last changed by then (epoch ms). What is already at `target` is replaced.
 */
export async function hardLink(
  source: string,
  target: string,
  expected: { size: number; unchangedSince: number },
): Promise<boolean> {
  const temporary = join(dirname(target), temporaryName());
  try {
    if (!(await isAsExpected(source, expected))) return false;
    await link(source, temporary);
    // What was linked is what counts, whoever swapped the source meanwhile.
    if (!(await isAsExpected(temporary, expected))) return false;
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

async function isAsExpected(path: string, expected: { size: number; unchangedSince: number }): Promise<boolean> {
  const found = await lstat(path);
  return found.isFile() && found.size === expected.size && Math.floor(found.mtimeMs) <= expected.unchangedSince;
}
