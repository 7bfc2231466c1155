import { isStepActive, type ClusterJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { JobError, KeyspaceReport, StepReport } from '../model/step.ts';

/** Where a step stands in its job. */
export interface StepRef {
  phaseIndex: number;
  stepIndex: number;
}

export function stepAt(job: ClusterJob, { phaseIndex, stepIndex }: StepRef): Step {
  const step = job.phases[phaseIndex]?.steps[stepIndex];
  if (!step) throw new RangeError(`job ${job.id} has no step ${stepIndex} in phase ${phaseIndex}`);
  return step;
}

/** The job with one step changed; the rest are the same objects. */
export function withStep(job: ClusterJob, ref: StepRef, change: Partial<Step>): ClusterJob {
  const before = job.phases[ref.phaseIndex]?.steps ?? [];
  const steps = before.with(ref.stepIndex, { ...stepAt(job, ref), ...change });
  if (change.executorId === undefined) samePlaces(before, steps);
  return withPhase(job, ref.phaseIndex, { steps });
}

export function withPhase(job: ClusterJob, phaseIndex: number, change: Partial<Phase>): ClusterJob {
  const before = job.phases[phaseIndex];
  if (!before) throw new RangeError(`job ${job.id} has no phase ${phaseIndex}`);
  return { ...job, phases: job.phases.with(phaseIndex, { ...before, ...change }) };
}

/** Every step of the job that the rule holds for, changed. Same job when it holds for none. */
export function changeSteps(
  job: ClusterJob,
  applies: (step: Step, phase: Phase) => boolean,
  change: (step: Step) => Partial<Step>,
): ClusterJob {
  const phases = job.phases.map((phase) => changePhase(phase, (step) => (applies(step, phase) ? change(step) : null)));
  return phases.every((phase, index) => phase === job.phases[index]) ? job : { ...job, phases };
}

/** The job ends here: nothing that was not begun will be. */
export function skipRest(job: ClusterJob): ClusterJob {
  return changeSteps(
    job,
    ({ state }) => state === 'PENDING',
    () => ({ state: 'SKIPPED' }),
  );
}

/** The phase with every step changed that the rule says a change for; same phase when there is none. */
export function changePhase(phase: Phase, changeOf: (step: Step, index: number) => Partial<Step> | null): Phase {
  let steps: Step[] | null = null;
  let moved = false;
  for (const [index, step] of phase.steps.entries()) {
    const change = changeOf(step, index);
    if (change === null) continue;
    steps ??= [...phase.steps];
    steps[index] = { ...step, ...change };
    moved ||= change.executorId !== undefined;
  }
  if (steps === null) return phase;
  if (!moved) samePlaces(phase.steps, steps);
  return { ...phase, steps };
}

/** The active attempt with exactly this task id; null for tasks of attempts that are over. */
export function activeStep(job: ClusterJob, taskId: string): StepRef | null {
  for (const [phaseIndex, phase] of job.phases.entries()) {
    if (phase.finished !== null) continue;
    const stepIndex = phase.steps.findIndex((step) => step.taskId === taskId && isStepActive(step));
    if (stepIndex >= 0) return { phaseIndex, stepIndex };
  }
  return null;
}

/** Steps of the phase; none when the job has no such phase. */
export function stepsOf(job: Pick<ClusterJob, 'phases'>, name: PhaseName): Step[] {
  return job.phases.find((phase) => phase.name === name)?.steps ?? [];
}

/** Where the steps of a phase are, by executor id: a big ring asks this for every node. */
const places = new WeakMap<Step[], Map<string, number>>();

/** To be told when steps were changed that stay those of the same nodes. */
function samePlaces(before: Step[], after: Step[]): void {
  const known = places.get(before);
  if (known) places.set(after, known);
}

/** Finds each node's step of a phase. */
export function stepFinder(job: Pick<ClusterJob, 'phases'>, name: PhaseName): (executorId: string) => Step | undefined {
  const steps = stepsOf(job, name);
  let known = places.get(steps);
  if (!known) {
    known = new Map(steps.map((step, place) => [step.executorId, place]));
    places.set(steps, known);
  }
  const found = known;
  return (executorId) => steps[found.get(executorId) ?? -1];
}

export function stepOf(job: Pick<ClusterJob, 'phases'>, name: PhaseName, executorId: string): Step | undefined {
  return stepFinder(job, name)(executorId);
}

/** All nodes that take part, in order. */
export function executorIdsOf(job: Pick<ClusterJob, 'phases'>): string[] {
  return [...new Set(job.phases.flatMap(({ steps }) => steps.map(({ executorId }) => executorId)))];
}

/** True once a task that empties tables may have run. */
export function truncateBegan(job: ClusterJob): boolean {
  return stepsOf(job, 'truncate').some(({ started }) => started !== null);
}

/** The keyspaces that a node is through with, well or not; a report also names the one at work. */
export function endedKeyspaces(report: StepReport | null): Map<string, KeyspaceReport> {
  const { keyspaces = {}, remainingKeyspaces = [] } = report ?? {};
  return new Map(Object.entries(keyspaces).filter(([name]) => !remainingKeyspaces.includes(name)));
}

export function jobError(code: string, message: string, where: Partial<JobError> = {}): JobError {
  return { executorId: null, keyspace: null, table: null, ...where, code, message };
}
