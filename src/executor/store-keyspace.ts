import { dirname, join } from 'node:path';
import type { TableSchema } from '../cassandra/schema.ts';
import type { SnapshotTable } from '../cassandra/snapshots.ts';
import { digestComponent, parseComponent, readDigest } from '../cassandra/sstables.ts';
import { OperatorError, wrapError } from '../errors.ts';
import type { ManifestFile, ManifestTable } from '../model/backup.ts';
import { fileKey } from '../storage/layout.ts';
import type { BackupProgress } from './backup-progress.ts';
import { inParallel } from './in-parallel.ts';
import { isMissing } from './local-files.ts';
import { TRANSFERS, type StepContext } from './step-context.ts';

/** One file on its way from the snapshot to the location. */
interface Source extends Omit<ManifestFile, 'sha256'> {
  keyspace: string;
  table: string;
  /** Absolute path in the snapshot. */
  from: string;
}

/** Stores all files of a keyspace's snapshot and notes the keyspace as done. */
export async function storeKeyspace(
  context: StepContext,
  progress: BackupProgress,
  keyspace: string,
  tables: TableSchema[],
  snapshot: SnapshotTable[],
): Promise<void> {
  const { reporter, signal } = context;
  for (const { table } of tables) reporter.table(keyspace, table);
  const sources = snapshot.flatMap((entry) => sourcesOf(keyspace, entry));
  // The largest first: at the end all threads have small files left, and none waits long for another.
  sources.sort((left, right) => right.size - left.size);
  const files: ManifestFile[] = [];
  await inParallel(sources, TRANSFERS, signal, async (source, either) => {
    reporter.current(source.path);
    const file = await storeFile(context, progress, source, either);
    files.push(file);
    reporter.filesDone(keyspace, source.table, { files: 1, bytes: file.size });
    await progress.fileStored(file);
  });
  files.sort((left, right) => (left.path < right.path ? -1 : 1));
  const report = reporter.keyspace(keyspace);
  await progress.keyspaceStored(keyspace, { tables: tables.map(toManifestTable), files, report });
}

function sourcesOf(keyspace: string, { table, dataDirectory, path, files }: SnapshotTable): Source[] {
  return files.map((file) => ({
    keyspace,
    table,
    dataDirectory,
    path: `${keyspace}/${table}/${file.path}`,
    size: file.size,
    from: join(path, file.path),
  }));
}

async function storeFile(
  context: StepContext,
  progress: BackupProgress,
  { keyspace, table, path, size, from, dataDirectory }: Source,
  signal: AbortSignal,
): Promise<ManifestFile> {
  const { request, storage, pool, reporter } = context;
  const earlier = progress.file(path);
  if (earlier !== undefined && earlier.size === size) {
    const result = await pool.run({ source: from, target: null, expected: earlier }, { signal });
    if (result.outcome === 'done') {
      reporter.moved(size);
      return { path, size, sha256: earlier.sha256, dataDirectory };
    }
  }
  const key = fileKey(request.cluster, request.executorId, request.backupName, path);
  const stored = await storage.putFile(key, from, { signal, onBytes: (bytes) => reporter.moved(bytes) });
  await checkDigest(context, { keyspace, table, from }, stored.crc32);
  return { path, size: stored.size, sha256: stored.sha256, dataDirectory };
}

/** Holds what was stored of a Data.db against the checksum that Cassandra wrote beside it. Throws SSTABLE_CORRUPT. */
async function checkDigest(
  { log }: StepContext,
  { keyspace, table, from }: Pick<Source, 'keyspace' | 'table' | 'from'>,
  crc32: number,
): Promise<void> {
  const sstable = parseComponent(from.slice(dirname(from).length + 1));
  if (sstable?.component !== 'Data.db') return;
  try {
    const expected = await readDigest(join(dirname(from), digestComponent(sstable)));
    if (expected === crc32) return;
    throw new OperatorError(
      'SSTABLE_CORRUPT',
      `${from} is corrupt: Cassandra wrote it with the CRC-32 ${expected}, now it has ${crc32}`,
      {
        details: { table },
        hint: `Repair it first: nodetool scrub ${keyspace} ${table}, then nodetool repair ${keyspace} ${table}.`,
      },
    );
  } catch (error) {
    if (!isMissing(error)) {
      throw error instanceof OperatorError ? error : wrapError(`read the checksum of ${from}`, error, 'STORAGE_FAILED');
    }
    log.warn({ sstable: from }, 'SSTable without Digest.crc32: its content could not be checked');
  }
}

function toManifestTable({ keyspace, table, id, viewOf, columns, droppedColumns }: TableSchema): ManifestTable {
  return { keyspace, table, id, viewOf, columns, droppedColumns };
}
