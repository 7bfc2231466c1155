import type { Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_PREFIX } from './layout.ts';
import type { StoredEntry } from './storage.ts';

export interface FoundFile extends StoredEntry {
  path: string;
  /** How many names it has, on the whole file system. */
  names: number;
  /** A writer's temporary. */
  unfinished: boolean;
}

/** Files that are looked at together: one by one each would wait for a thread. */
const AT_ONCE = 32;

/** Regular files below a folder, depth first. Symbolic links are neither found nor followed. `prefix` is the folder's key, with a `/` at the end. */
export async function* walkFolder(folder: string, prefix: string): AsyncGenerator<FoundFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (let begin = 0; begin < entries.length; begin += AT_ONCE) {
    const some = entries.slice(begin, begin + AT_ONCE);
    const files = await Promise.all(
      some.map(async (entry) => (entry.isFile() ? foundFile(folder, prefix, entry.name) : null)),
    );
    for (const [index, entry] of some.entries()) {
      const file = files[index];
      if (entry.isDirectory()) yield* walkFolder(join(folder, entry.name), `${prefix}${entry.name}/`);
      else if (file) yield file;
    }
  }
}

async function foundFile(folder: string, prefix: string, name: string): Promise<FoundFile | null> {
  const path = join(folder, name);
  const found = await lstatOrNull(path);
  if (found === null) return null;
  const unfinished = name.startsWith(TEMPORARY_PREFIX);
  const changed = found.nlink > 1 && unfinished ? await sinceNamed(folder, found) : changeOf(found);
  return {
    key: prefix + name,
    path,
    size: found.size,
    modified: found.mtimeMs,
    changed,
    names: found.nlink,
    unfinished,
  };
}

/**
 * A file that was copied here with its old time (rsync -a) came when its inode changed. Where it has more names than one, the inode changes with
 * each that comes or goes, and tells nothing.
 */
function changeOf({ nlink, mtimeMs, ctimeMs }: Stats): number {
  return nlink > 1 ? mtimeMs : Math.max(mtimeMs, ctimeMs);
}

/** A second name of an old file is as new as what its folder lists. */
async function sinceNamed(folder: string, { mtimeMs }: Stats): Promise<number> {
  return Math.max(mtimeMs, (await lstatOrNull(folder))?.ctimeMs ?? mtimeMs);
}

/** What lies at a path, also a link itself; null when there is nothing. */
export async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** The beginning of a text, and how many bytes all of it has. */
export async function readHead(path: string, bytes: number): Promise<{ text: string; size: number }> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    const { size } = await file.stat();
    return { text: buffer.toString('utf8', 0, bytesRead), size };
  } finally {
    await file.close();
  }
}
