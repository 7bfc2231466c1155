import type { Schema } from '../cassandra/schema.ts';
import { OperatorError, type ErrorCode } from '../errors.ts';
import {
  storedBytes,
  type BackupRecord,
  type ManifestFile,
  type ManifestTable,
  type NodeManifest,
} from '../model/backup.ts';
import { findBackup, type BackupState } from '../storage/find-backup.ts';
import { fileKey, manifestKey, recordKey } from '../storage/layout.ts';
import { manifestText, parseManifest, sha256Of } from '../storage/manifest.ts';
import { select, type Selection } from './selection.ts';
import type { StepContext } from './step-context.ts';

/** How many bad files are named; of more there is the number. */
const NAMED = 20;

/** The part of a backup that a node restores from. */
export interface BackupSource {
  manifest: NodeManifest;
  manifestSha256: string;
  selection: Selection<ManifestTable>;
}

const UNFIT: Partial<Record<BackupState, ErrorCode>> = {
  ABSENT: 'BACKUP_NOT_FOUND',
  INCOMPLETE: 'BACKUP_INCOMPLETE',
  DELETING: 'BACKUP_INCOMPLETE',
};

/** The backup's record and its checksum. Throws BACKUP_NOT_FOUND, BACKUP_INCOMPLETE or BACKUP_DAMAGED. */
export async function readRecord({
  request,
  storage,
}: StepContext): Promise<{ record: BackupRecord; recordSha256: string }> {
  const { cluster, backupName } = request;
  const { state, record, message } = await findBackup(storage, cluster, backupName);
  const text = await storage.getDocument(recordKey(cluster, backupName));
  if (record !== null && text !== null) return { record, recordSha256: sha256Of(text) };
  const code = UNFIT[state];
  throw new OperatorError(code ?? 'BACKUP_DAMAGED', message ?? `the record of backup ${backupName} is gone`, {
    hint: 'GET /cluster/backups lists the backups that there are, with name and location.',
  });
}

/** The manifest of one node of the backup, by its checksum, with what the job wants of it. Throws BACKUP_DAMAGED. */
export async function readManifest(
  { request, storage }: StepContext,
  executorId: string,
  expected: string,
): Promise<BackupSource> {
  const key = manifestKey(request.cluster, executorId, request.backupName);
  const whose = { cluster: request.cluster, executorId, name: request.backupName };
  const text = await manifestText(storage, whose, expected);
  if (text === null) throw new OperatorError('BACKUP_DAMAGED', `expected ${key}, but it is missing`);
  const sha256 = sha256Of(text);
  if (sha256 !== expected) {
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `${key} is damaged: expected sha256 ${expected} as in the record of the backup, got ${sha256}`,
    );
  }
  const manifest = parseManifest(text, key);
  return { manifest, manifestSha256: sha256, selection: select(manifest, request) };
}

/** What `check` has found for this node. */
export async function readSource(context: StepContext): Promise<BackupSource> {
  const { sourceExecutorId } = context.request;
  if (sourceExecutorId === null) {
    throw new OperatorError('INTERNAL', 'expected the executor id that the backup of this node lies under, got none');
  }
  const { record } = await readRecord(context);
  return readRecorded(context, record, sourceExecutorId);
}

/** The manifest of one node that the record names. Throws BACKUP_DAMAGED. */
export async function readRecorded(
  context: StepContext,
  record: BackupRecord,
  executorId: string,
): Promise<BackupSource> {
  const named = record.nodes.find((node) => node.executorId === executorId);
  if (named) return readManifest(context, executorId, named.manifestSha256);
  const message = `expected ${executorId} in the record of backup ${record.name}, which does not name it`;
  throw new OperatorError('BACKUP_DAMAGED', message);
}

/**
 * Holds files of a manifest, by default all, against what lies at the location: every file is there with its size. Files that it does not name
 * are no damage: an attempt that was interrupted leaves them. Throws BACKUP_DAMAGED.
 */
export async function checkFiles(
  context: Pick<StepContext, 'request' | 'storage' | 'signal'>,
  manifest: NodeManifest,
  files: readonly ManifestFile[] = manifest.files,
): Promise<void> {
  const { cluster, backupName } = context.request;
  const expected = new Map(
    files.map((file) => [
      file.source ?? fileKey(cluster, manifest.executorId, backupName, file.path),
      storedBytes(file),
    ]),
  );
  const found = await storedSizes(context, expected);
  const bad = [...expected].flatMap(([key, size]) => {
    const got = found.get(key);
    if (got === size) return [];
    return [got === undefined ? `${key} is missing` : `${key} has ${got} bytes instead of ${size}`];
  });
  if (bad.length === 0) return;
  const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : '';
  throw new OperatorError(
    'BACKUP_DAMAGED',
    `${bad.length} of ${expected.size} files of ${manifest.executorId} are damaged: ${bad.slice(0, NAMED).join(', ')}${more}`,
    { hint: 'Restore another backup, or put the right files there.' },
  );
}

/** Sizes of those of the files, by key, that are there. */
export async function storedSizes(
  { storage, signal }: Pick<StepContext, 'storage' | 'signal'>,
  keys: Pick<ReadonlySet<string>, 'has' | 'keys'>,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const folder of new Set([...keys.keys()].map(nodeBackupFolder))) {
    signal.throwIfAborted();
    for await (const { key, size } of storage.list(folder)) if (keys.has(key)) found.set(key, size);
  }
  return found;
}

/** `<cluster>/<executorId>/<name>/` of a key: a file's bytes may lie in an earlier backup. */
function nodeBackupFolder(key: string): string {
  return `${key.split('/').slice(0, 3).join('/')}/`;
}

/** The live schema of the given keyspaces and all the user's. */
export function schemaNow(
  { node, signal }: Pick<StepContext, 'node' | 'signal'>,
  keyspaces: readonly string[],
): Promise<Schema> {
  return node.schema(
    keyspaces.filter((keyspace) => keyspace.startsWith('system')),
    signal,
  );
}
