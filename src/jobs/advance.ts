import { isPhaseFinal, isStepActive, type ClusterJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { ClusterNode } from '../model/node.ts';
import { withCleanup } from './cleanup.ts';
import { withoutNeedless } from './deletion.ts';
import type { Limits } from './limits.ts';
import { currentPhase } from './next-steps.ts';
import { ringOf } from './readiness.ts';
import { phaseEnded } from './phase-end.ts';
import { isFinished, jobResult } from './result.ts';
import { stepFailed } from './step-failed.ts';
import { changeSteps, jobError } from './steps.ts';
import { unloadedTables } from './unloaded-tables.ts';
import { failWaitingSteps } from './waiting.ts';

export type { Limits } from './limits.ts';

/**
 * Everything that time and the nodes' states bring about: steps given up, phases ended, the job finished.
 * To be called after every change and every second or so. The same job when there is nothing to change.
 */
export function advance(job: ClusterJob, nodes: ClusterNode[], now: number, limits: Limits): ClusterJob {
  if (isFinished(job)) return job;
  const ring = ringOf(nodes);
  let next = giveUpSilentSteps(job, now, limits);
  if (next.aborted) next = skipPendingSteps(next);
  for (;;) {
    const index = currentPhase(next);
    if (index < 0) {
      const cleaning = withCleanup(next);
      if (cleaning === next) return finish(next, now);
      next = cleaning;
      continue;
    }
    next = withoutNeedless(next);
    next = failWaitingSteps(next, index, ring, now, limits);
    const phase = next.phases[index];
    if (!phase || !isPhaseFinal(phase)) return next;
    next = phaseEnded(next, index, nodes, now);
  }
}

/**
 * Ends the job after the running steps have ended; with `now` these are killed. Steps that clean up still run.
 */
export function abort(job: ClusterJob, now: boolean): ClusterJob {
  const abortNow = job.abortNow || now;
  if (isFinished(job) || (job.aborted && job.abortNow === abortNow)) return job;
  return { ...job, aborted: true, abortNow };
}

/** Task ids of the steps that have to be killed: silent for too long, or all of them when the operator said so. */
export function stepsToKill(job: ClusterJob, now: number, limits: Limits): string[] {
  return job.phases.flatMap((phase) =>
    phase.steps.flatMap((step) =>
      step.taskId !== null && mustDie(job, phase, step, now, limits) ? [step.taskId] : [],
    ),
  );
}

/** Cassandra ends these by itself, whoever has stopped looking: they are waited for even when the job is aborted. */
const NOT_INTERRUPTED = new Set<PhaseName>(['cleanup', 'decommission', 'removenode']);

/** Over in seconds when nothing is wrong. */
const QUICK = new Set<PhaseName>(['preflight', 'cleanup']);

function mustDie(job: ClusterJob, phase: Phase, step: Step, now: number, limits: Limits): boolean {
  // A restart is no task; it has a deadline of its own (node-orders.ts).
  if (!isStepActive(step) || phase.name === 'restart') return false;
  const silenceMs = QUICK.has(phase.name) ? limits.cleanupMs : limits.silenceMs;
  const isSilent = now - (step.lastSeen ?? now) >= silenceMs;
  return step.killSince !== null || isSilent || (job.abortNow && !NOT_INTERRUPTED.has(phase.name));
}

function giveUpSilentSteps(job: ClusterJob, now: number, limits: Limits): ClusterJob {
  const dying = changeSteps(
    job,
    (step, phase) => step.killSince === null && mustDie(job, phase, step, now, limits),
    () => ({ killSince: now }),
  );
  let next = dying;
  dying.phases.forEach((phase, phaseIndex) => {
    phase.steps.forEach((step, stepIndex) => {
      if (!isStepActive(step) || step.killSince === null || now - step.killSince < limits.killMs) return;
      const seconds = Math.round((now - (step.lastSeen ?? now)) / 1000);
      const message = `No sign of life of the task for ${seconds} s, nor did it end when it was killed`;
      next = stepFailed(next, { phaseIndex, stepIndex }, { kind: 'LOST', message, report: null }, now, limits);
    });
  });
  return next;
}

function skipPendingSteps(job: ClusterJob): ClusterJob {
  return changeSteps(
    job,
    (step, phase) => step.state === 'PENDING' && phase.name !== 'cleanup',
    ({ executorId }) => ({
      state: 'SKIPPED',
      waitingSince: null,
      error: jobError('ABORTED', 'Not begun: the job was aborted', { executorId }),
    }),
  );
}

function finish(job: ClusterJob, now: number): ClusterJob {
  const ended = { ...job, errors: [...job.errors, ...unloadedTables(job)] };
  return { ...ended, finished: now, result: jobResult(ended) };
}
