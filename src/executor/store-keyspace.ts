import { join } from 'node:path';
import type { TableSchema } from '../cassandra/schema.ts';
import type { SnapshotTable } from '../cassandra/snapshots.ts';
import { storedBytes, type ManifestFile, type ManifestTable } from '../model/backup.ts';
import { inParallel } from './in-parallel.ts';
import type { StepContext } from './step-context.ts';
import { transferAll } from './transfers.ts';
import { storeFile, storeKnownFile, type Knowledge, type Source, type StoredComponent } from './store-file.ts';

/** Files that are given a second name at the same time: no bytes move, so that only the file system's answers are waited for. */
const LINKS = 16;

/** Stores all files of a keyspace's snapshot and notes the keyspace as done. */
export async function storeKeyspace(
  context: StepContext,
  known: Knowledge,
  keyspace: string,
  tables: TableSchema[],
  snapshot: SnapshotTable[],
): Promise<void> {
  const { reporter, signal, clock } = context;
  for (const { table } of tables) reporter.sent(keyspace, table, { files: 0, bytes: 0 });
  const sources = snapshot.flatMap((entry) => sourcesOf(keyspace, entry));
  const files: ManifestFile[] = [];
  const isStored = async ({ table }: Source, { sent, ...file }: StoredComponent): Promise<void> => {
    files.push(file);
    reporter.filesDone(keyspace, table, { files: 1, bytes: file.size });
    if (sent) reporter.sent(keyspace, table, { files: 1, bytes: storedBytes(file) });
    await known.progress.fileStored({ ...file, sent });
  };
  await known.earlier.cover(tables.map(({ table }) => `${keyspace}.${table}`));
  const rest: Source[] = [];
  await inParallel(sources, LINKS, signal, async (source, either) => {
    reporter.current(source.path);
    const stored = await storeKnownFile(context, known, source, either);
    if (stored === null) rest.push(source);
    else await isStored(source, stored);
  });
  await transferAll(rest, signal, async (source, either) => {
    reporter.current(source.path);
    await isStored(source, await storeFile(context, known, source, either));
  });
  files.sort((left, right) => (left.path < right.path ? -1 : 1));
  const report = reporter.keyspace(keyspace);
  await known.progress.keyspaceStored(keyspace, { tables: tables.map(toManifestTable), files, report });
  known.digests.tablesDone(tables.map(({ table, id }) => tableKey(keyspace, table, id)));
  await known.digests.saveNowAndThen(clock.now());
}

/** Names a table for the digest cache. */
export function tableKey(keyspace: string, table: string, id: string): string {
  return `${keyspace}/${table}-${id.replaceAll('-', '')}`;
}

function sourcesOf(keyspace: string, { table, id, dataDirectory, path, files }: SnapshotTable): Source[] {
  return files.map((file) => ({
    keyspace,
    table,
    tableKey: tableKey(keyspace, table, id),
    dataDirectory,
    path: `${keyspace}/${table}/${file.path}`,
    size: file.size,
    from: join(path, file.path),
  }));
}

/** What a manifest says of a live table. */
export function toManifestTable({ keyspace, table, id, viewOf, columns, droppedColumns }: TableSchema): ManifestTable {
  return { keyspace, table, id, viewOf, columns, droppedColumns };
}
