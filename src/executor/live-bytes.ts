import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableSchema } from '../cassandra/schema.ts';
import { tableDirectory } from '../cassandra/sstables.ts';
import { unlessMissing } from './local-files.ts';

/**
 * Bytes of a table's SSTables and index files now, without snapshots: what a snapshot will come to, about. Compaction
 * removes files meanwhile; those count as nothing.
 */
export async function liveBytes(dataDirectories: string[], { keyspace, table, id }: TableSchema): Promise<number> {
  let bytes = 0;
  for (const dataDirectory of dataDirectories) {
    bytes += await bytesIn(tableDirectory(dataDirectory, keyspace, table, id), true);
  }
  return bytes;
}

async function bytesIn(directory: string, withIndexes: boolean): Promise<number> {
  const entries = await unlessMissing(readdir(directory, { withFileTypes: true }), []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      if (entry.isFile()) return (await unlessMissing(stat(path), null))?.size ?? 0;
      return withIndexes && entry.name.startsWith('.') ? bytesIn(path, false) : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
