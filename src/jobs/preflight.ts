import { isStepFinal, type ClusterJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import { changeSteps, skipRest, stepOf } from './steps.ts';

/** Who cannot write at the location takes no part; where nobody can, nothing is begun. */
export function afterPreflight(job: ClusterJob): ClusterJob {
  const stateOf = ({ executorId }: Step): Step['state'] | undefined => stepOf(job, 'preflight', executorId)?.state;
  const hasPassed = job.phases.some(({ name, steps }) => name === 'preflight' && steps.some(isPassed));
  if (!hasPassed) return skipRest(job);
  return changeSteps(
    job,
    (step) => step.state === 'PENDING' && stateOf(step) === 'FAILED',
    () => ({ state: 'SKIPPED' }),
  );
}

/**
 * All nodes begin with the preflight, but none of them waits in it for one that is down. What becomes of steps that cannot begin once all others
 * have ended: with one that has passed the job goes on and they make it later (SKIPPED), else the job ends here (FAILED). Null: they wait.
 */
export function stragglersOf(
  { name, steps }: Phase,
  cannotBegin: (step: Step, index: number) => boolean,
): 'SKIPPED' | 'FAILED' | null {
  if (name !== 'preflight') return null;
  if (!steps.every((step, index) => isStepFinal(step) || cannotBegin(step, index))) return null;
  if (steps.some(isPassed)) return 'SKIPPED';
  return steps.some(({ state, started }) => state === 'FAILED' && started !== null) ? 'FAILED' : null;
}

/** True when the node was not up for the preflight, and is to make it first in this phase. */
export function isPreflightDue(job: ClusterJob, phase: PhaseName, executorId: string): boolean {
  const isFirst = phase === 'snapshot' || phase === 'backup';
  return isFirst && stepOf(job, 'preflight', executorId)?.state === 'SKIPPED';
}

function isPassed({ state }: Step): boolean {
  return state === 'SUCCESS';
}
