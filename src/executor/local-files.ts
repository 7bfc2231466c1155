import { lstat, readdir, readFile } from 'node:fs/promises';

export function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT';
}

/** What `act` gives, or `otherwise` when the file or directory is not there (any more). */
export async function unlessMissing<T>(act: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await act;
  } catch (error) {
    if (isMissing(error)) return otherwise;
    throw error;
  }
}

export async function readIfPresent(path: string): Promise<string | null> {
  return unlessMissing(readFile(path, 'utf8'), null);
}

export async function exists(path: string): Promise<boolean> {
  return (await unlessMissing(lstat(path), null)) !== null;
}

/** Names in a directory; none when there is no such directory. */
export async function namesIn(directory: string): Promise<string[]> {
  return unlessMissing(readdir(directory), []);
}
