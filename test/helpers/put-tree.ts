import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Storage } from '../../src/storage/storage.ts';

/** Puts every file of a directory to a location, below a prefix that ends at a `/`. */
export async function putTree(storage: Storage, directory: string, prefix = ''): Promise<void> {
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = join(directory, path);
    if (statSync(file).isFile()) await storage.putFile(`${prefix}${path}`, file);
  }
}
