import type { ClusterJob, Phase, Step } from '../model/cluster-job.ts';
import type { JobError, StepReport } from '../model/step.ts';
import { endedKeyspaces, jobError, stepOf } from './steps.ts';

/**
 * What a step that ended did not do although it should have: it failed, or it ended well and its report names
 * keyspaces that failed or were left out. Nothing else makes a job less than SUCCESS.
 */
export function shortfalls(job: ClusterJob, phase: Phase, step: Step): JobError[] {
  const { executorId } = step;
  if (phase.name === 'cleanup') return [];
  if (step.state === 'FAILED')
    return [step.error ?? jobError('INTERNAL', 'It failed without a reason', { executorId })];
  if (step.state !== 'SUCCESS' || step.report === null) return [];
  return [
    ...failedKeyspaces(executorId, step.report),
    ...leftOut(job, phase, step, step.report),
    // Whatever a node found wrong during a restore is a doubt about its data, and a verification is there to find it.
    ...(job.type === 'RESTORE' || job.type === 'VERIFY' ? reportedErrors(step) : []),
  ];
}

/** The shortfalls of all steps of a phase. */
export function phaseShortfalls(job: ClusterJob, name: Phase['name']): JobError[] {
  return job.phases
    .filter((phase) => phase.name === name)
    .flatMap((phase) => phase.steps.flatMap((step) => shortfalls(job, phase, step)));
}

/** Everything that went wrong in a job, once each: what its steps say in the order of the work, then its own. */
export function jobErrors(job: ClusterJob): JobError[] {
  const told = job.phases.flatMap((phase) => phaseErrors(job, phase));
  const texts = new Map([...told, ...job.errors].map((error) => [JSON.stringify(error), error]));
  return [...texts.values()];
}

/** Of phases that have ended: nothing that follows from them changes any more. */
const known = new WeakMap<Phase, JobError[]>();

function phaseErrors(job: ClusterJob, phase: Phase): JobError[] {
  const before = known.get(phase);
  if (before) return before;
  const errors = phase.steps
    .filter(({ state }) => state === 'SUCCESS' || state === 'FAILED')
    .flatMap((step) => [
      ...(step.state === 'FAILED' && step.error ? [step.error] : []),
      ...reportedErrors(step),
      ...shortfalls(job, phase, step),
    ]);
  if (phase.finished !== null) known.set(phase, errors);
  return errors;
}

/** The errors in a step's report, each with the node that it is about. */
function reportedErrors({ executorId, report }: Step): JobError[] {
  return (report?.errors ?? []).map(({ keyspace, table, code, message, ...where }) =>
    jobError(code, message, { executorId: where.executorId ?? executorId, keyspace, table }),
  );
}

function failedKeyspaces(executorId: string, report: StepReport): JobError[] {
  return [...endedKeyspaces(report)]
    .filter(([, { status }]) => status === 'FAILURE')
    .flatMap(([keyspace, { error, tables }]) => {
      const told = report.errors.filter((entry) => entry.keyspace === keyspace);
      if (told.length > 0) return told.map((entry) => ({ ...entry, executorId: entry.executorId ?? executorId }));
      const reason = error ?? Object.values(tables).find((table) => table.error !== null)?.error;
      return [jobError('INTERNAL', reason ?? 'It failed without a reason', { executorId, keyspace })];
    });
}

/** Phases that do their work keyspace by keyspace. */
const BY_KEYSPACE = new Set<Phase['name']>(['backup', 'load', 'clean', 'repair']);

/** What the step's phase is there for and its report does not show as done. */
function leftOut(job: ClusterJob, phase: Phase, step: Step, report: StepReport): JobError[] {
  const { executorId } = step;
  if (!BY_KEYSPACE.has(phase.name)) return [];
  const due = phase.name === 'load' ? keyspacesToLoad(job, executorId) : [];
  const ended = endedKeyspaces(report);
  const missing = new Set([...due, ...report.remainingKeyspaces].filter((name) => !ended.has(name)));
  const errors = [...missing].map((keyspace) =>
    jobError('INTERNAL', `The node ended its ${phase.name} without keyspace ${keyspace}`, { executorId, keyspace }),
  );
  if (phase.name === 'backup' && report.manifest === null) {
    errors.push(jobError('INTERNAL', 'The node ended its backup without a manifest', { executorId }));
  }
  return errors;
}

/** Keyspaces that the node found in its backup when it checked. */
function keyspacesToLoad(job: ClusterJob, executorId: string): string[] {
  const tables = stepOf(job, 'check', executorId)?.report?.check?.tables ?? [];
  return [...new Set(tables.map((name) => name.slice(0, name.indexOf('.'))))];
}
