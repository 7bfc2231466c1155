import { OperatorError } from '../errors.ts';
import { recordKey, verificationKey } from '../storage/layout.ts';
import { sha256Of } from '../storage/manifest.ts';
import { readOwnManifest } from './node-confirm.ts';
import type { StepContext } from './step-context.ts';

/**
 * Writes the cluster's record: from then on there is a backup. Not over a part that has gone since it was confirmed.
 * Done twice it changes nothing. Throws RECORD_MISSING when another node should have written it where this one looks, and
 * has not: then this one is to be sent the record itself.
 */
export async function nodeCommit(context: StepContext): Promise<void> {
  const { request, storage, signal } = context;
  if (request.type === 'VERIFY') return commitFinding(context);
  await readOwnManifest(context);
  const { record, recordSha256 } = request;
  const key = recordKey(request.cluster, request.backupName);
  const present = await storage.getDocument(key);
  if (present !== null && sha256Of(present) === recordSha256) return;
  if (present !== null) {
    throw new OperatorError(
      'NAME_TAKEN',
      `another backup has the name ${request.backupName}: ${key} is there already`,
      {
        hint: 'A backup name is used once: choose another one.',
      },
    );
  }
  if (record === null) {
    throw new OperatorError('RECORD_MISSING', `expected ${key}, as another node has written it, but it is missing`);
  }
  signal.throwIfAborted();
  await storage.flush();
  await storage.putDocument(key, record);
}

/** What a verification found, beside the record that it is about. A backup that has gone meanwhile has no findings. */
async function commitFinding({ request, storage, signal }: StepContext): Promise<void> {
  const { cluster, backupName, record: finding, recordSha256 } = request;
  if ((await storage.getDocument(recordKey(cluster, backupName))) === null) {
    throw new OperatorError('BACKUP_NOT_FOUND', `the record of backup ${backupName} has gone since it was verified`);
  }
  const key = verificationKey(cluster, backupName);
  const present = await storage.getDocument(key);
  if (present !== null && sha256Of(present) === recordSha256) return;
  if (finding === null) {
    throw new OperatorError('RECORD_MISSING', `expected ${key}, as another node has written it, but it is not there`);
  }
  signal.throwIfAborted();
  await storage.putDocument(key, finding);
}
