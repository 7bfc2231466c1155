import type { ClusterJob } from '../model/cluster-job.ts';
import { phase } from './plan.ts';
import { executorIdsOf, stepOf, truncateBegan } from './steps.ts';

/** The job with a last phase for what it would leave behind on nodes; the same job when there is nothing. */
export function withCleanup(job: ClusterJob): ClusterJob {
  if (job.phases.some(({ name }) => name === 'cleanup')) return job;
  const left = leftBy(job);
  if (left.length === 0) return job;
  return { ...job, phases: [...job.phases, phase('cleanup', left, left.length)] };
}

function leftBy(job: ClusterJob): string[] {
  if (job.type === 'BACKUP') return leftBySnapshots(job);
  return job.type === 'RESTORE' ? leftByStaging(job) : [];
}

/**
 * Nodes on which a snapshot may lie. An executor clears its own snapshot however its backup step ends, so that
 * is left which was lost with its executor. One that was taken on all nodes together stays until the step succeeds.
 */
function leftBySnapshots(job: ClusterJob): string[] {
  return executorIdsOf(job).filter((executorId) => {
    const backup = stepOf(job, 'backup', executorId);
    if (backup?.state === 'SUCCESS') return false;
    const code = (backup?.started ?? null) === null ? undefined : backup?.error?.code;
    const snapshotBegan = (stepOf(job, 'snapshot', executorId)?.started ?? null) !== null;
    return snapshotBegan || code === 'TASK_LOST' || code === 'ABORTED';
  });
}

/**
 * Staged files go when the operator gave the restore up before anything was touched. After a failure, and
 * once tables are empty, they stay: the next restore of this backup goes on with them.
 */
function leftByStaging(job: ClusterJob): string[] {
  if (!job.aborted || truncateBegan(job)) return [];
  return executorIdsOf(job).filter((executorId) => (stepOf(job, 'stage', executorId)?.started ?? null) !== null);
}
