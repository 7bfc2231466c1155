import { isStepActive, type ClusterJob } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { StepReport } from '../model/step.ts';
import type { Limits } from './limits.ts';
import { withSample } from './rate.ts';
import { stepFailed } from './step-failed.ts';
import { activeStep, changeSteps, stepAt, withStep, type StepRef } from './steps.ts';

/** Mesos' task states as a step sees them. LOST: also dropped, gone, error and unknown. */
export type StepTaskState = 'STAGING' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED' | 'LOST' | 'UNREACHABLE';

export interface StepTaskStatus {
  taskId: string;
  state: StepTaskState;
  message: string | null;
  report: StepReport | null;
}

/** Takes in how far a step is. The same job when the task is not the active attempt of a step. */
export function onProgress(job: ClusterJob, taskId: string, report: StepReport, now: number): ClusterJob {
  const ref = activeStep(job, taskId);
  if (!ref) return job;
  // A task that went silent and speaks again may go on, unless the operator wants it dead.
  const killSince = job.abortNow ? stepAt(job, ref).killSince : null;
  const samples = withSample(stepAt(job, ref).samples, { at: now, bytes: report.bytesDone });
  return withStep(job, ref, { state: 'RUNNING', report, samples, lastSeen: now, killSince });
}

/**
 * Takes in a status update of a step's task. The same job when the task is not the active attempt of a step:
 * duplicates, late ones, and those of attempts that were given up.
 */
export function onTaskStatus(job: ClusterJob, status: StepTaskStatus, now: number, limits: Limits): ClusterJob {
  const ref = activeStep(job, status.taskId);
  if (!ref) return job;
  const report = status.report ?? stepAt(job, ref).report;
  switch (status.state) {
    case 'UNREACHABLE':
      // The task may still run, and its agent come back: only silence decides.
      return job;
    case 'STAGING':
      return withStep(job, ref, { lastSeen: now });
    case 'RUNNING':
      return withStep(job, ref, { state: 'RUNNING', report, lastSeen: now });
    case 'FINISHED':
      return onFinished(job, ref, status.report, now, limits);
    default:
      return stepFailed(job, ref, { kind: status.state, message: status.message, report: status.report }, now, limits);
  }
}

/** Phases whose end says nothing beyond itself. */
const NO_REPORT_NEEDED = new Set<PhaseName>(['commit', 'cleanup']);

/** `report`: the last one. What was told on the way does not hold the result. */
function onFinished(job: ClusterJob, ref: StepRef, report: StepReport | null, now: number, limits: Limits): ClusterJob {
  const name = job.phases[ref.phaseIndex]?.name;
  if (report === null && name !== undefined && !NO_REPORT_NEEDED.has(name)) {
    const failure = { kind: 'LOST', message: 'The task ended without a report', report } as const;
    return stepFailed(job, ref, failure, now, limits);
  }
  return withStep(job, ref, {
    state: 'SUCCESS',
    finished: now,
    report: report ?? stepAt(job, ref).report,
    error: null,
    lastSeen: null,
    killSince: null,
  });
}

/** A KILL that never left: the time that the task has to end begins with one that did. */
export function onKillLost(job: ClusterJob, taskId: string): ClusterJob {
  const ref = activeStep(job, taskId);
  return ref === null ? job : withStep(job, ref, { killSince: null });
}

/**
 * For a scheduler that was away, or cut off from Mesos: its own absence must not be taken for the silence of
 * steps, nor for the time that nodes had to become ready.
 */
export function resumed(job: ClusterJob, now: number): ClusterJob {
  const heard = changeSteps(job, isStepActive, () => ({ lastSeen: now, killSince: null }));
  return changeSteps(
    heard,
    ({ waitingSince }) => waitingSince !== null,
    () => ({ waitingSince: now }),
  );
}
