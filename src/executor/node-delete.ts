import { OperatorError } from '../errors.ts';
import type { DeletionMarker } from '../model/backup.ts';
import type { DeletionReport } from '../model/step.ts';
import { findBackup } from '../storage/find-backup.ts';
import { holdsForeignFiles } from '../storage/foreign-backups.ts';
import {
  deletionKey,
  nodeFolders,
  nodeKey,
  parseDocumentName,
  recordKey,
  recordsPrefix,
  verificationKey,
} from '../storage/layout.ts';
import { listBackups, type SummaryCache } from '../storage/read-backups.ts';
import { References } from '../storage/references.ts';
import { refuseRetained } from '../storage/retention.ts';
import { readDeletion } from '../storage/verification.ts';
import type { StepContext } from './step-context.ts';

/**
 * Deletes a backup, whole or not, with the parts of all nodes that can be seen from here. The first act makes it a backup no more; cut short
 * anywhere after that, the next attempt goes on. What is not there any more is fine. Throws BACKUP_NEEDED for the only whole backup, and BACKUP_RETAINED
 * where the store does not allow it yet: nothing is changed then.
 */
export async function nodeDelete(context: StepContext): Promise<void> {
  const known = new Deletions(context);
  await deleteBackup(context, context.request.backupName, (deletion) => context.reporter.deletion(deletion), known);
  await endDeletions(context, known);
}

/** What is known of a location, for several deletions by one step. */
export class Deletions {
  readonly references: References;
  readonly summaries: SummaryCache = new Map();

  constructor({ request, storage }: StepContext) {
    this.references = new References(storage, request.cluster);
  }
}

/** `onChange` is told what was done when it begins, and again when it has ended. */
export async function deleteBackup(
  context: StepContext,
  backupName: string,
  onChange: (deletion: DeletionReport) => void,
  known = new Deletions(context),
): Promise<DeletionReport> {
  const { request, storage, reporter, signal } = context;
  const { cluster } = request;
  const nodes = await nodesWithParts(context, backupName);
  const keep = await known.references.into(backupName, signal);
  const prefixes = nodes.map((executorId) => `${nodeKey(cluster, executorId, backupName)}/`);
  await refuseRetained(storage, prefixes, { keep, signal });
  const marker = (await readDeletion(storage, cluster, backupName)) ?? (await begin(context, backupName, nodes, known));
  const deletion = { found: marker !== null, whole: marker?.whole ?? false, files: 0, kept: 0 };
  onChange(deletion);
  if (marker === null) return deletion;
  await storage.delete(recordKey(cluster, backupName));
  await storage.delete(verificationKey(cluster, backupName));
  for (const prefix of prefixes) {
    await storage.deleteFolder(prefix, {
      keep,
      signal,
      onFile(key) {
        deletion.files += 1;
        reporter.current(key);
      },
    });
    for await (const { key } of storage.list(prefix)) deletion.kept += Number(keep.has(key));
  }
  onChange(deletion);
  // While something has to stay, the name is not free.
  const key = deletionKey(cluster, backupName);
  if (deletion.kept === 0) await storage.delete(key);
  else if (marker.kept !== deletion.kept) await storage.putDocument(key, text({ ...marker, kept: deletion.kept }));
  return deletion;
}

/** Of backups that are deleted, but for what others need: what nobody needs any more goes now. */
export async function endDeletions(context: StepContext, known: Deletions): Promise<void> {
  const { request, storage, signal } = context;
  const prefix = recordsPrefix(request.cluster);
  const names: string[] = [];
  for await (const { key } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document?.kind === 'deletion') names.push(document.name);
  }
  for (const name of names) {
    signal.throwIfAborted();
    try {
      await deleteBackup(context, name, () => undefined, known);
    } catch (error) {
      // It waits for a later one.
      if (!(error instanceof OperatorError) || error.code !== 'BACKUP_RETAINED') throw error;
    }
  }
}

function text(marker: DeletionMarker): string {
  return `${JSON.stringify(marker, null, 1)}\n`;
}

/** Writes down that the backup is being deleted; null when there is nothing of it. */
async function begin(
  context: StepContext,
  backupName: string,
  nodes: string[],
  known: Deletions,
): Promise<DeletionMarker | null> {
  const { request, storage, clock, signal } = context;
  const { cluster } = request;
  const { state, record } = await findBackup(storage, cluster, backupName);
  if (state === 'ABSENT') return null;
  if (!request.force) await refuseOnlyWhole(context, backupName, known);
  if (!request.force && state === 'INCOMPLETE') await refuseForeign(context, backupName, nodes);
  const whole = record?.result === 'SUCCESS' && record.nodes.every(({ executorId }) => nodes.includes(executorId));
  const marker: DeletionMarker = { version: 1, cluster, name: backupName, started: clock.now(), whole };
  signal.throwIfAborted();
  await storage.putDocument(deletionKey(cluster, backupName), text(marker));
  return marker;
}

/** The scheduler asks as well, but may not see the location. */
async function refuseOnlyWhole(
  { request, storage }: StepContext,
  backupName: string,
  { summaries }: Deletions,
): Promise<void> {
  const all = await listBackups(storage, request.cluster, summaries);
  const whole = all.filter(({ state, verification }) => state === 'COMPLETE' && verification?.result !== 'FAILURE');
  if (whole.length !== 1 || whole[0]?.name !== backupName) return;
  throw new OperatorError('BACKUP_NEEDED', `Backup ${backupName} is the only whole one at ${storage.url}`, {
    hint: 'Make another one first, or say force=true (cassandra-mesos: --force).',
  });
}

/** What was never adopted is not ours to delete, unless that is said. */
async function refuseForeign({ request, storage }: StepContext, backupName: string, nodes: string[]): Promise<void> {
  if (!(await holdsForeignFiles(storage, request.cluster, backupName, nodes))) return;
  throw new OperatorError('BACKUP_NEEDED', `${backupName} at ${storage.url} was made by another program`, {
    hint: 'Adopt it, or say force=true (cassandra-mesos: --force) to delete what that program has stored.',
  });
}

async function nodesWithParts({ request, storage }: StepContext, backupName: string): Promise<string[]> {
  const { cluster } = request;
  const nodes: string[] = [];
  for (const executorId of nodeFolders(await storage.folders(`${cluster}/`))) {
    if ((await storage.folders(`${cluster}/${executorId}/`)).includes(backupName)) nodes.push(executorId);
  }
  return nodes;
}
