import { OperatorError } from '../errors.ts';
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
  const { executorId, manifestSha256 } = context.request;
  if (manifestSha256 === null) throw new OperatorError('INTERNAL', "expected the manifest's checksum, got none");
  return readManifest(context, executorId, manifestSha256);
}
