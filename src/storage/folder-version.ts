import { lstat } from 'node:fs/promises';

/** Clocks of file systems tick every few ms to 2 s (FAT): a folder that has just changed may change again without showing it. */
const TICK_MS = 3_000;

/**
 * Changes with each name that comes to a folder or goes; null where it changed a moment ago. The number of links counts the folders
 * in it on most file systems.
 */
export async function folderVersion(folder: string): Promise<string | null> {
  const { ino, nlink, mtimeNs, ctimeNs, mtimeMs } = await lstat(folder, { bigint: true });
  if (Math.abs(Date.now() - Number(mtimeMs)) < TICK_MS) return null;
  return [ino, nlink, mtimeNs, ctimeNs].join(' ');
}
