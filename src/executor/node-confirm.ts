import { OperatorError } from '../errors.ts';
import { recordKey } from '../storage/layout.ts';
import { parseRecord } from '../storage/manifest.ts';
import { checkFiles, readManifest, type BackupSource } from './backup-source.ts';
import type { StepContext } from './step-context.ts';

/**
 * Proves, once all nodes have stored theirs, that this node's part is still there and whole: whoever removes the
 * location's directory under a running backup is not noticed by nodes that are through. Throws BACKUP_DAMAGED.
 */
export async function nodeConfirm(context: StepContext): Promise<void> {
  const { manifest } = await readOwnManifest(context);
  await checkFiles(context, manifest);
}

/** This node's manifest, as the record to be committed names it. Throws BACKUP_DAMAGED when it is not there any more. */
export async function readOwnManifest(context: StepContext): Promise<BackupSource> {
  const { cluster, executorId, backupName, record } = context.request;
  if (record === null) throw new OperatorError('INTERNAL', 'expected the record of the backup, got none');
  return readManifest(context, parseRecord(record, recordKey(cluster, backupName)), executorId);
}
