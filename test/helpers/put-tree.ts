import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inParallel } from '../../src/executor/in-parallel.ts';
import type { Storage } from '../../src/storage/storage.ts';

/** Puts every file of a directory to a location, below a prefix that ends at a `/`. */
export async function putTree(storage: Storage, directory: string, prefix = ''): Promise<void> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(directory, path)).isFile());
  await inParallel(files, 16, new AbortController().signal, async (path) => {
    await storage.putFile(`${prefix}${path}`, join(directory, path));
  });
}
