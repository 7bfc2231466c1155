import { isStepFinal, type ClusterJob, type JobResult, type Phase, type Step } from '../model/cluster-job.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { deletionBegan, isAllDeleted } from './deletion.ts';
import { phaseShortfalls } from './shortfalls.ts';
import { endedKeyspaces, stepOf, stepsOf } from './steps.ts';
import { damagedOf } from './verification.ts';

/** True when the job has ended and its result stands. */
export function isFinished(job: ClusterJob): boolean {
  return job.finished !== null;
}

/**
 * How a job whose steps have all ended has ended. An abort that came too late to stop anything changes
 * nothing. SUCCESS: every keyspace of every node. FAILURE: nothing that could be used.
 */
export function jobResult(job: ClusterJob): JobResult {
  if (job.aborted && wasCut(job)) return 'ABORTED';
  const whole = job.phases.every(
    (phase) =>
      phase.name === 'cleanup' ||
      ((phase.steps.every(({ state }) => state === 'SUCCESS' || isLeftOut(phase, state)) || isAllDeleted(job)) &&
        phaseShortfalls(job, phase.name).length === 0),
  );
  if (whole && job.errors.length === 0) return 'SUCCESS';
  return isUsable(job) ? 'PARTIAL' : 'FAILURE';
}

/** A node that was not up in time for the preflight has made it in its next step. */
function isLeftOut({ name }: Phase, state: Step['state']): boolean {
  return name === 'preflight' && state === 'SKIPPED';
}

/** True when something of what was asked for is there. */
function isUsable(job: ClusterJob): boolean {
  const someSucceeded = (phase: PhaseName) => stepsOf(job, phase).some(({ state }) => state === 'SUCCESS');
  const usable: Record<JobType, () => boolean> = {
    BACKUP: () => someSucceeded('commit'),
    RESTORE: () => keyspacesDone(job, 'load') > 0,
    CLEANUP: () => keyspacesDone(job, 'clean') > 0,
    REPAIR: () => keyspacesDone(job, 'repair') > 0,
    RESTART: () => someSucceeded('restart'),
    REMOVE: () => false,
    // All is whole, and only to write that down has failed.
    VERIFY: () =>
      job.errors.length === 0 &&
      stepsOf(job, 'inspect').every(({ state }) => state === 'SUCCESS') &&
      damagedOf(job).length === 0,
    DELETE: () => deletionBegan(job),
    PRUNE: () => someSucceeded('prune'),
    SWEEP: () => someSucceeded('sweep'),
    RENAME: () => false,
    ADOPT: () => someSucceeded('commit'),
  };
  return usable[job.type]();
}

/** How many keyspaces of how many nodes were done in a phase. */
export function keyspacesDone(job: ClusterJob, phase: 'backup' | 'load' | 'clean' | 'repair'): number {
  return (phase === 'backup' ? nodeBackups(job) : stepsOf(job, phase))
    .flatMap((step) => [...endedKeyspaces(step.report).values()])
    .filter(({ status }) => status === 'SUCCESS').length;
}

/**
 * The backup steps whose nodes have a part in the backup: the manifest was stored, and when the node looked for its
 * part again, it was still there.
 */
export function nodeBackups(job: ClusterJob): Step[] {
  return stepsOf(job, 'backup').filter(
    ({ state, report, executorId }) =>
      state === 'SUCCESS' &&
      (report?.manifest ?? null) !== null &&
      stepOf(job, 'confirm', executorId)?.state !== 'FAILED',
  );
}

/** True when the abort left some work undone. */
function wasCut(job: ClusterJob): boolean {
  return job.phases.some(
    (phase) =>
      phase.name !== 'cleanup' && phase.steps.some((step) => isStepFinal(step) && step.error?.code === 'ABORTED'),
  );
}
