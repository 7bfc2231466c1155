import { isRetryable } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { JobError, StepReport } from '../model/step.ts';
import type { Limits } from './limits.ts';
import { jobError, stepAt, withStep, type StepRef } from './steps.ts';

/** How an attempt ended that did not end well. */
export interface Failure {
  /** FAILED: the executor gave up. KILLED, LOST: the task was ended from outside. */
  kind: 'FAILED' | 'KILLED' | 'LOST';
  message: string | null;
  /** The executor's last word; null when there was none. */
  report: StepReport | null;
}

/** The step goes back to PENDING for another attempt, or is FAILED for good with the executor's own words. */
export function stepFailed(job: ClusterJob, ref: StepRef, failure: Failure, now: number, limits: Limits): ClusterJob {
  const step = stepAt(job, ref);
  const phase = job.phases[ref.phaseIndex]?.name;
  const isCleanup = phase === 'cleanup';
  const killedByAbort = job.abortNow && !isCleanup && failure.kind !== 'FAILED';
  const { error, retryable } = killedByAbort
    ? { error: jobError('ABORTED', 'Killed: the job was aborted'), retryable: false }
    : judge(failure);
  const ended = {
    report: failure.report ?? step.report,
    error: { ...error, executorId: error.executorId ?? step.executorId },
    lastSeen: null,
    killSince: null,
    waitingSince: null,
  };
  // A preflight is there to tell soon what is wrong: what its node says twice is believed.
  const isToldTwice = phase === 'preflight' && isOwnWord(error) && isOwnWord(step.error);
  // Nobody waits for a cleanup that is at work; but one that never began would leave what takes room.
  const neverBegan = failure.kind === 'LOST' && step.state === 'LAUNCHING' && step.killSince === null;
  const isOver = isCleanup ? !neverBegan : job.aborted || isToldTwice;
  if (!retryable || isOver || step.attempt > limits.retries) {
    return withStep(job, ref, { ...ended, state: 'FAILED', finished: now });
  }
  const backoff = Math.min(limits.backoffMs * 2 ** (step.attempt - 1), limits.backoffMaxMs);
  // Nothing has to get better first: the next attempt brings what was missing.
  const notBefore = error.code === 'RECORD_MISSING' ? null : now + backoff;
  return withStep(job, ref, { ...ended, state: 'PENDING', attempt: step.attempt + 1, taskId: null, notBefore });
}

/** The first error of a report is the one that ended the step; the others are what it lived through. */
function judge({ kind, message, report }: Failure): { error: JobError; retryable: boolean } {
  const error = kind === 'FAILED' ? report?.errors[0] : undefined;
  if (error) return { error, retryable: isRetryable(error.code) };
  return { error: jobError(TASK_LOST, message ?? WORDS[kind]), retryable: true };
}

/** How a task was lost, on its way for example, says nothing of what the step met. */
function isOwnWord(error: JobError | null): boolean {
  return error !== null && error.code !== TASK_LOST;
}

const TASK_LOST = 'TASK_LOST';

const WORDS: Record<Failure['kind'], string> = {
  FAILED: 'The task failed without giving a reason',
  KILLED: 'The task was killed',
  LOST: 'The task was lost',
};
