import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableSchema } from '../cassandra/schema.ts';
import { tableDirectory } from '../cassandra/sstables.ts';
import { unlessMissing } from './local-files.ts';

/** Of many files together. */
export interface Size {
  bytes: number;
  files: number;
}

export const NOTHING: Size = { bytes: 0, files: 0 };

export function sumOf(sizes: Iterable<Size>): Size {
  const sum = { ...NOTHING };
  for (const { bytes, files } of sizes) {
    sum.bytes += bytes;
    sum.files += files;
  }
  return sum;
}

/**
 * A table's SSTables and index files now, without snapshots: what a snapshot will come to, about. Compaction removes files
 * meanwhile; those count as nothing.
 */
export async function liveSize(dataDirectories: string[], { keyspace, table, id }: TableSchema): Promise<Size> {
  const sizes: Size[] = [];
  for (const dataDirectory of dataDirectories) {
    sizes.push(await folderSize(tableDirectory(dataDirectory, keyspace, table, id)));
  }
  return sumOf(sizes);
}

/** The same of one table's folder in one data directory. */
export function folderSize(directory: string): Promise<Size> {
  return sizeOf(directory, true);
}

async function sizeOf(directory: string, withIndexes: boolean): Promise<Size> {
  const entries = await unlessMissing(readdir(directory, { withFileTypes: true }), []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      const file = entry.isFile() ? await unlessMissing(stat(path), null) : null;
      if (file !== null) return { bytes: file.size, files: 1 };
      return withIndexes && entry.isDirectory() && entry.name.startsWith('.') ? sizeOf(path, false) : NOTHING;
    }),
  );
  return sumOf(sizes);
}
