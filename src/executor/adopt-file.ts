import { dirname } from 'node:path';
import { digestComponent, parseComponent, parseDigest } from '../cassandra/sstables.ts';
import { OperatorError } from '../errors.ts';
import type { ManifestFile } from '../model/backup.ts';
import { fileKey } from '../storage/layout.ts';
import type { BackupProgress } from './backup-progress.ts';
import type { ForeignFile, ForeignTable } from './foreign-files.ts';
import type { ForeignPart } from './foreign-part.ts';
import { nameOf } from './foreign-table.ts';
import type { StepContext } from './step-context.ts';

/**
 * Takes one file of another program into the backup without moving its bytes, and reads it. What the manifest names is linked first and read
 * then, so that it is the very thing that was read. Where there are no links the manifest says where the bytes lie. Throws
 * SSTABLE_CORRUPT, and BACKUP_DAMAGED when it changes meanwhile.
 */
export async function adoptFile(
  context: StepContext,
  { inPlace }: ForeignPart,
  progress: BackupProgress,
  { keyspace, table }: ForeignTable,
  file: ForeignFile,
): Promise<ManifestFile> {
  const { request, storage, reporter, clock } = context;
  const path = `${keyspace}/${table}/${file.path}`;
  const own = fileKey(request.cluster, request.executorId, request.backupName, path);
  const { key, size } = file;
  const linked = !inPlace && (await storage.link(key, own, { size, unchangedSince: clock.now() })) === 'LINKED';
  const source = linked || key === own ? {} : { source: key };
  const before = readBefore(progress, keyspace, path);
  if (before?.size === size && file.modified < progress.started) {
    reporter.moved(size);
    return { path, size, sha256: before.sha256, ...source, dataDirectory: 0 };
  }
  const sha256 = await read(context, table, file, linked ? own : key);
  return { path, size, sha256, ...source, dataDirectory: 0 };
}

/** What an earlier attempt has read. */
function readBefore(
  progress: BackupProgress,
  keyspace: string,
  path: string,
): { size: number; sha256: string } | undefined {
  return progress.file(path) ?? progress.keyspace(keyspace)?.files.find((file) => file.path === path);
}

async function read(context: StepContext, table: string, { key, size }: ForeignFile, at: string): Promise<string> {
  const { storage, reporter, signal } = context;
  const stored = await storage.checksum(at, { signal, onBytes: (bytes) => reporter.moved(bytes) });
  if (stored === null || stored.size !== size) {
    const got = stored === null ? 'it is gone' : `it has ${stored.size}`;
    const message = `expected ${key} to stay as it is while it is adopted, with ${size} bytes, but ${got}`;
    throw new OperatorError('BACKUP_DAMAGED', message, { details: { table } });
  }
  const expected = await cassandrasOwn(context, key);
  if (expected === null || expected === stored.crc32) return stored.sha256;
  throw new OperatorError(
    'SSTABLE_CORRUPT',
    `${key} is corrupt: Cassandra wrote it with the CRC-32 ${expected}, now it has ${stored.crc32}`,
    { details: { table } },
  );
}

/** The CRC-32 that Cassandra wrote beside a Data.db; null for other components and where there is none. */
async function cassandrasOwn({ storage, log }: StepContext, key: string): Promise<number | null> {
  const sstable = parseComponent(nameOf(key));
  if (sstable?.component !== 'Data.db') return null;
  const digestKey = `${dirname(key)}/${digestComponent(sstable)}`;
  const text = await storage.getDocument(digestKey);
  if (text !== null) return parseDigest(text, digestKey);
  log.warn({ sstable: key }, 'SSTable without Digest.crc32: its content could not be checked');
  return null;
}
