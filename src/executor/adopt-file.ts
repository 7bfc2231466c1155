import { parseComponent, parseDigest } from '../cassandra/sstables.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { storedBytes, type FileEncoding, type ManifestFile } from '../model/backup.ts';
import { fileKey } from '../storage/layout.ts';
import type { ReadFile } from '../storage/storage.ts';
import type { BackupProgress } from './backup-progress.ts';
import type { ForeignFile, ForeignTable } from './foreign-files.ts';
import type { ForeignPart } from './foreign-part.ts';
import { digestOf, mayNotBeEmpty, nameOf } from './foreign-table.ts';
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
  foreign: ForeignTable,
  file: ForeignFile,
): Promise<ManifestFile> {
  const { request, storage, reporter, clock } = context;
  const { keyspace, table } = foreign;
  const path = `${keyspace}/${table}/${file.path}`;
  const own = fileKey(request.cluster, request.executorId, request.backupName, path);
  const { key, size } = file;
  const linked = !inPlace && (await storage.link(key, own, { size, unchangedSince: clock.now() })) === 'LINKED';
  const encoding = encodingOf(file);
  const how = { ...(encoding === undefined ? {} : { encoding }), ...(linked || key === own ? {} : { source: key }) };
  const before = readBefore(progress, keyspace, path);
  if (before && storedBytes(before) === size && !before.encoding === !encoding && file.modified < progress.started) {
    reporter.moved(size);
    return { path, size: before.size, sha256: before.sha256, ...how, dataDirectory: 0 };
  }
  const read = await readFile(context, foreign, file, linked ? own : key);
  return { path, size: read.size, sha256: read.sha256, ...how, dataDirectory: 0 };
}

function encodingOf({ size, compression }: ForeignFile): FileEncoding | undefined {
  return compression === undefined ? undefined : { stored: size, compression };
}

/** What an earlier attempt has read. */
function readBefore(
  progress: BackupProgress,
  keyspace: string,
  path: string,
): Pick<ManifestFile, 'size' | 'sha256' | 'encoding'> | undefined {
  return progress.file(path) ?? progress.keyspace(keyspace)?.files.find((file) => file.path === path);
}

async function readFile(context: StepContext, foreign: ForeignTable, file: ForeignFile, at: string): Promise<ReadFile> {
  const { storage, reporter, signal } = context;
  const { key, size } = file;
  const encoding = encodingOf(file);
  // Progress is told in bytes of the location, of which there are fewer than come out of them.
  let left = size;
  const onBytes = (bytes: number): void => {
    const moved = Math.min(bytes, left);
    left -= moved;
    reporter.moved(moved);
  };
  const stored = await storage.checksum(at, { signal, onBytes, encoding }).catch((error: unknown) => {
    // It names the link, which goes away with its table.
    if (error instanceof OperatorError && error.code === 'BACKUP_DAMAGED') throw wrapError(`adopt ${key}`, error);
    throw error;
  });
  reporter.moved(left);
  const details = { table: foreign.table };
  if (stored === null || (encoding === undefined && stored.size !== size)) {
    const got = stored === null ? 'it is gone' : `it has ${stored.size}`;
    const message = `expected ${key} to stay as it is while it is adopted, with ${size} bytes, but ${got}`;
    throw new OperatorError('BACKUP_DAMAGED', message, { details });
  }
  if (stored.size === 0 && mayNotBeEmpty(file.path)) {
    throw new OperatorError('BACKUP_DAMAGED', `expected something in ${key}, but it is empty`, { details });
  }
  const expected = await cassandrasOwn(context, file);
  if (expected === null || expected === stored.crc32) return stored;
  throw new OperatorError(
    'SSTABLE_CORRUPT',
    `${key} is corrupt: Cassandra wrote it with the CRC-32 ${expected}, now it has ${stored.crc32}`,
    { details },
  );
}

/** The CRC-32 that Cassandra wrote beside a Data.db; null for other components and where there is none. */
async function cassandrasOwn(context: StepContext, file: ForeignFile): Promise<number | null> {
  if (parseComponent(nameOf(file.path))?.component !== 'Data.db') return null;
  const text = await digestOf(context, file);
  if (text !== null) return parseDigest(text, `the checksum of ${file.key}`);
  context.log.warn({ sstable: file.key }, 'SSTable without Digest.crc32: its content could not be checked');
  return null;
}
