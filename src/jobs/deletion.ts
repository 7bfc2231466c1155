import type { ClusterJob } from '../model/cluster-job.ts';
import type { DeletionReport, JobError } from '../model/step.ts';
import { prunedOf } from './pruned.ts';
import { changeSteps, jobError, stepsOf } from './steps.ts';

function deletions(job: ClusterJob): DeletionReport[] {
  return stepsOf(job, 'delete').flatMap(({ state, report }) =>
    state === 'SUCCESS' && report?.deletion ? [report.deletion] : [],
  );
}

/** One node saw all of the backup and has deleted it. */
export function isAllDeleted(job: ClusterJob): boolean {
  if (job.type === 'DELETE') return deletions(job).some(({ whole }) => whole);
  const pruned = stepsOf(job, 'prune').filter(({ state }) => state === 'SUCCESS');
  return job.type === 'PRUNE' && pruned.some(({ report }) => report?.prune?.whole === true);
}

/** True once a node may have begun, so that the backup is none any more. */
export function deletionBegan(job: ClusterJob): boolean {
  return stepsOf(job, 'delete').some(({ report }) => report?.deletion?.found === true);
}

/**
 * Where nodes share a location one of them deletes everything; where each has a directory of its own all have to. Which of the two it is,
 * the first that is through can tell: then the others need not look, nor does it matter that one is down.
 */
export function withoutNeedless(job: ClusterJob): ClusterJob {
  if (!isAllDeleted(job)) return job;
  return changeSteps(
    job,
    ({ state }) => state === 'PENDING' || state === 'FAILED',
    () => ({ state: 'SKIPPED', waitingSince: null, error: null }),
  );
}

/** What an operator has to know of a pruning whose steps have ended. */
export function pruningErrors(job: ClusterJob): JobError[] {
  return prunedOf(job).kept.map(({ name, reason }) => jobError('BACKUP_NEEDED', `${name} stays: ${reason}`));
}

/** Files of what was deleted that stay until other backups, which need them, are gone too. */
export function filesKept(job: ClusterJob): number {
  const pruned = stepsOf(job, 'prune').map(({ report }) => report?.prune?.filesKept ?? 0);
  return [...deletions(job).map(({ kept }) => kept), ...pruned].reduce((sum, kept) => sum + kept, 0);
}

/** What an operator has to know of a deletion whose steps have ended, beside the steps' own errors. */
export function deletionErrors(job: ClusterJob): JobError[] {
  const done = deletions(job);
  const steps = stepsOf(job, 'delete');
  // An attempt that was lost may have done it.
  const isUnknown = done.length === steps.length && steps.every(({ attempt }) => attempt === 1);
  if (!isUnknown || done.some(({ found }) => found)) return [];
  return [jobError('BACKUP_NOT_FOUND', `No node found anything of a backup ${job.backupName} at ${job.location}`)];
}
