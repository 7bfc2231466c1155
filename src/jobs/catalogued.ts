import type { ClusterJob } from '../model/cluster-job.ts';
import type { BackupStore } from '../state/backups.ts';
import { isStillForeign } from './adoption.ts';
import { entryOf } from './catalogue.ts';
import { deletionBegan, filesKept } from './deletion.ts';
import { prunedOf } from './pruned.ts';
import { rememberRenaming } from './renaming.ts';
import { entryWhileResumed } from './resume.ts';
import { stepsOf } from './steps.ts';
import { sweptOf } from './swept.ts';
import { verification } from './verification.ts';

/** Notes in the catalogue what a job that began or ended means for the backup that it is about. */
export function rememberJob(backups: BackupStore, job: ClusterJob, cluster: string): void {
  const made = entryOf(job, cluster);
  if (made && (isStillForeign(job) || wasNeverBegun(job))) backups.delete(made.location, made.name);
  else if (made) backups.save(entryWhileResumed(made, backups.find(made.location, made.name), job));
  else if (job.finished !== null && job.type === 'VERIFY') rememberVerification(backups, job, cluster);
  else if (job.finished !== null && job.type === 'DELETE') rememberDeletion(backups, job);
  else if (job.finished !== null && job.type === 'RENAME') rememberRenaming(backups, job);
  else if (job.finished !== null && job.type === 'PRUNE') {
    for (const name of prunedOf(job).deleted) backups.delete(job.location ?? '', name);
  } else if (job.finished !== null && job.type === 'SWEEP') {
    for (const name of sweptOf(job).backups) backups.delete(job.location ?? '', name);
  }
}

/**
 * True for a backup that ended with the preflight of all nodes. Nothing of it is stored, and its location may be none at all, which would be
 * listed for ever.
 */
function wasNeverBegun(job: ClusterJob): boolean {
  if (job.type !== 'BACKUP' || job.result !== 'FAILURE' || job.parameters.resume) return false;
  const looks = stepsOf(job, 'preflight');
  return (
    looks.length > 0 &&
    looks.every(({ state }) => state === 'FAILED') &&
    job.phases.every(({ name, steps }) => name === 'preflight' || steps.every(({ started }) => started === null))
  );
}

function rememberVerification(backups: BackupStore, job: ClusterJob, cluster: string): void {
  const entry = backups.find(job.location ?? '', job.backupName ?? '');
  const isStored = stepsOf(job, 'commit').some(({ state }) => state === 'SUCCESS');
  if (!entry?.summary || !isStored) return;
  backups.save({ ...entry, summary: { ...entry.summary, verification: verification(job, cluster) } });
}

/** A deletion that was refused has changed nothing; one that was cut is to be ended, and its backup is none any more. */
function rememberDeletion(backups: BackupStore, job: ClusterJob): void {
  const entry = backups.find(job.location ?? '', job.backupName ?? '');
  if (!entry) return;
  if (job.result === 'SUCCESS' && filesKept(job) === 0) backups.delete(entry.location, entry.name);
  else if (deletionBegan(job)) backups.save({ ...entry, state: 'DELETING' });
}
