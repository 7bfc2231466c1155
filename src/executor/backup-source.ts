import type { Schema } from '../cassandra/schema.ts';
import { OperatorError } from '../errors.ts';
import type { BackupRecord, ManifestTable, NodeManifest } from '../model/backup.ts';
import { findBackup } from '../storage/find-backup.ts';
import { manifestKey, recordKey } from '../storage/layout.ts';
import { parseManifest, sha256Of } from '../storage/manifest.ts';
import { select, type Selection } from './selection.ts';
import type { StepContext } from './step-context.ts';

/** The part of a backup that a node restores from. */
export interface BackupSource {
  manifest: NodeManifest;
  manifestSha256: string;
  selection: Selection<ManifestTable>;
}

/** The backup's record and its checksum. Throws BACKUP_NOT_FOUND, BACKUP_INCOMPLETE or BACKUP_DAMAGED. */
export async function readRecord({
  request,
  storage,
}: StepContext): Promise<{ record: BackupRecord; recordSha256: string }> {
  const { cluster, backupName } = request;
  const { state, record, message } = await findBackup(storage, cluster, backupName);
  const text = await storage.getDocument(recordKey(cluster, backupName));
  if (record !== null && text !== null) return { record, recordSha256: sha256Of(text) };
  const code = ({ ABSENT: 'BACKUP_NOT_FOUND', INCOMPLETE: 'BACKUP_INCOMPLETE' } as const)[state as string];
  throw new OperatorError(code ?? 'BACKUP_DAMAGED', message ?? `the record of backup ${backupName} is gone`, {
    hint: 'GET /cluster/jobs lists the backups that were made, with name, location and result.',
  });
}

/** The manifest of one node of the backup, with what the job wants of it. Throws BACKUP_DAMAGED. */
export async function readManifest(
  { request, storage }: StepContext,
  record: BackupRecord,
  executorId: string,
): Promise<BackupSource> {
  const { cluster, backupName } = request;
  const key = manifestKey(cluster, executorId, backupName);
  const expected = record.nodes.find((node) => node.executorId === executorId);
  const text = await storage.getDocument(key);
  if (expected === undefined || text === null) {
    const where = expected === undefined ? `the record of backup ${backupName} does not name it` : 'it is missing';
    throw new OperatorError('BACKUP_DAMAGED', `expected ${key}, but ${where}`);
  }
  const sha256 = sha256Of(text);
  if (sha256 !== expected.manifestSha256) {
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `${key} is damaged: expected sha256 ${expected.manifestSha256} as in the record of the backup, got ${sha256}`,
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
  return readManifest(context, record, sourceExecutorId);
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
