import { OperatorError } from '../errors.ts';
import type { BackupRecord } from '../model/backup.ts';
import type { StepRequest } from '../model/step.ts';
import { keptManifestKey, recordKey, verificationKey } from '../storage/layout.ts';
import { parseRecord, sha256Of } from '../storage/manifest.ts';
import { keptManifest } from './backup-progress.ts';
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
  if (present !== null && sha256Of(present) === recordSha256) return removeKeptManifest(context);
  // Whose record it is was seen before the first byte was copied: anything else has come from somebody else.
  if (present !== null && sha256Of(present) !== request.replaces) throw nameTaken(request, `${key} is there already`);
  if (record === null) {
    throw new OperatorError('RECORD_MISSING', `expected ${key}, as another node has written it, but it is missing`);
  }
  if (present !== null && !coversAll(parseRecord(record, key), parseRecord(present, key))) {
    throw nameTaken(request, `${key} names nodes that the resumed backup lacks, so it stays as it is`);
  }
  signal.throwIfAborted();
  await storage.flush();
  await storage.putDocument(key, record);
  await removeKeptManifest(context);
}

/** A record is replaced only by one that has every node of it, or one that has taken the place of that in the ring. */
function coversAll(next: BackupRecord, before: BackupRecord): boolean {
  const ids = new Set(next.nodes.map(({ executorId }) => executorId));
  const tokens = new Set(next.nodes.map((node) => node.tokens.toSorted().join()));
  return before.nodes.every((node) => ids.has(node.executorId) || tokens.has(node.tokens.toSorted().join()));
}

/** What the record named before it was replaced by that of the resumed backup. */
async function removeKeptManifest({ request, storage }: StepContext): Promise<void> {
  if (!request.resume) return;
  const sha256 = await keptManifest(storage, request);
  const { cluster, executorId, backupName } = request;
  if (sha256 !== null) await storage.delete(keptManifestKey(cluster, executorId, backupName, sha256));
}

function nameTaken({ backupName }: StepRequest, reason: string): OperatorError {
  return new OperatorError('NAME_TAKEN', `another backup has the name ${backupName}: ${reason}`, {
    hint: 'A backup name is used once: choose another one.',
  });
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
