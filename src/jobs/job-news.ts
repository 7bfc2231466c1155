import type { ClusterJob, Phase, Step } from '../model/cluster-job.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PhaseName } from '../model/phase.ts';
import { jobJson, phaseJson, stepJson, type JobJson, type PhaseJson, type StepJson } from './job-json.ts';
import { progressOf, type Progress } from './progress.ts';

/** One thing that became of a job. Steps stand beside their phase's news, not in them. */
export type JobNews =
  | { event: 'job' | 'end'; data: JobJson }
  | { event: 'phase'; data: Omit<PhaseJson, 'steps'> }
  | { event: 'step'; data: StepJson & { phase: PhaseName } }
  | { event: 'progress'; data: Partial<Progress> & { steps: StepProgress[] } };

/** What has changed of a step at work. */
export type StepProgress = Partial<StepJson> & Pick<StepJson, 'executorId'> & { phase: PhaseName };

/**
 * What has become of a job since `before`, without how far its steps are: whoever missed changes in between hears what
 * is so now. With null, or when the job itself has changed (aborted, planned anew), all of it.
 */
export function transitions(before: ClusterJob | null, after: ClusterJob, nodes: ClusterNode[]): JobNews[] {
  const changes = before === null || isAnew(before, after) ? whole(after, nodes) : phaseNews(before, after);
  return after.finished === null ? changes : [...changes, { event: 'end', data: jobJson(after, nodes) }];
}

function whole(job: ClusterJob, nodes: ClusterNode[]): JobNews[] {
  return [{ event: 'job', data: jobJson(job, nodes) }];
}

/** True when more has changed than phases and steps that both have. */
function isAnew(before: ClusterJob, after: ClusterJob): boolean {
  return (
    before.aborted !== after.aborted ||
    before.abortNow !== after.abortNow ||
    before.parameters !== after.parameters ||
    before.phases.length !== after.phases.length ||
    before.phases.some((phase, index) => !isSamePlan(phase, after.phases[index]))
  );
}

function isSamePlan(before: Phase, after: Phase | undefined): boolean {
  if (before === after) return true;
  return (
    before.name === after?.name &&
    before.steps.length === after.steps.length &&
    before.steps.every(({ executorId }, index) => executorId === after.steps[index]?.executorId)
  );
}

function phaseNews(before: ClusterJob, after: ClusterJob): JobNews[] {
  return changedPhases(before, after).flatMap(([old, phase]): JobNews[] => {
    const steps = changedSteps(old, phase).filter(([oldStep, step]) => hasMoved(oldStep, step));
    const news = steps.map(([, step]): JobNews => ({
      event: 'step',
      data: { phase: phase.name, ...stepJson(step) },
    }));
    const [{ steps: _before, ...was }, { steps: _after, ...is }] = [phaseJson(old), phaseJson(phase)];
    return Object.keys(changed(was, is)).length === 0 ? news : [{ event: 'phase', data: is }, ...news];
  });
}

/** Null when nothing is further than before. */
export function progressNews(before: ClusterJob, after: ClusterJob): JobNews | null {
  const steps = changedPhases(before, after).flatMap(([old, phase]) =>
    changedSteps(old, phase).flatMap(([oldStep, step]): StepProgress[] => {
      const further = changed(stepJson(oldStep), stepJson(step));
      const { executorId } = step;
      return Object.keys(further).length === 0 ? [] : [{ phase: phase.name, executorId, ...further }];
    }),
  );
  const total = changed(progressOf(before), progressOf(after));
  if (steps.length === 0 && Object.keys(total).length === 0) return null;
  return { event: 'progress', data: { ...total, steps } };
}

/** With what they were before. */
function changedPhases(before: ClusterJob, after: ClusterJob): [Phase, Phase][] {
  return after.phases.flatMap((phase, index): [Phase, Phase][] => {
    const old = before.phases[index];
    return old === undefined || old === phase ? [] : [[old, phase]];
  });
}

function changedSteps(before: Phase, after: Phase): [Step, Step][] {
  return after.steps.flatMap((step, index): [Step, Step][] => {
    const old = before.steps[index];
    return old === undefined || old === step ? [] : [[old, step]];
  });
}

/** True when a step has come to another state, or to another attempt. */
function hasMoved(before: Step, after: Step): boolean {
  const keys = ['state', 'attempt', 'taskId', 'started', 'finished', 'error'] as const;
  return keys.some((key) => before[key] !== after[key]);
}

/** The fields of `after` that `before` has otherwise. */
function changed<T extends object>(before: T, after: T): Partial<T> {
  const keys = Object.keys(after) as (keyof T & string)[];
  return Object.fromEntries(
    keys.filter((key) => before[key] !== after[key]).map((key) => [key, after[key]]),
  ) as Partial<T>;
}
