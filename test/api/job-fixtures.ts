import type { ClusterJob, JobResult, Step } from '../../src/model/cluster-job.ts';
import { emptyReport, type KeyspaceReport, type StepReport } from '../../src/model/step.ts';
import { NOW } from './helpers.ts';

export function keyspace(changes: Partial<KeyspaceReport> = {}): KeyspaceReport {
  const tables = { users: { files: 8, bytes: 2048, error: null, safetySnapshot: null } };
  return { status: 'SUCCESS', durationMillis: 1500, bytes: 2048, error: null, tables, ...changes };
}

/** The backup job with one node's step changed, as the scheduler would do it. */
export function withStep(
  job: ClusterJob,
  node: number,
  { report = {}, ...step }: Partial<Omit<Step, 'report'>> & { report?: Partial<StepReport> },
): ClusterJob {
  const phases = job.phases.map((phase) =>
    phase.name === 'backup'
      ? {
          ...phase,
          steps: phase.steps.with(node, {
            ...(phase.steps[node] as Step),
            started: NOW,
            ...step,
            report: { ...emptyReport(), ...report },
          }),
        }
      : phase,
  );
  return { ...job, phases };
}

/** The job as it is stored when it has ended; every node did ks1 unless it was changed before. */
export function ended(job: ClusterJob, result: JobResult): ClusterJob {
  const phases = job.phases.map((phase) => ({ ...phase, finished: NOW + 2000, steps: phase.steps.map(endedStep) }));
  return { ...job, phases, result, finished: NOW + 2000, aborted: result === 'ABORTED' };
}

function endedStep(step: Step): Step {
  if (step.state === 'FAILED') return step;
  const report = { ...emptyReport(), keyspaces: { ks1: keyspace() }, bytesTotal: 2048, bytesDone: 2048 };
  return { ...step, state: 'SUCCESS', started: NOW, finished: NOW + 2000, report: step.report ?? report };
}
