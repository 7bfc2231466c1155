import type { Logger } from '../log.ts';
import { isStepActive, isStepFinal, type ClusterJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { ClusterJobs } from './cluster-jobs.ts';
import { jobErrors } from './shortfalls.ts';
import { endedKeyspaces } from './steps.ts';

/**
 * Writes a line for each job, each step and each keyspace that failed, with `job`, `node` and `keyspace` as fields, so that
 * a log can be searched for any of them. Returns how to end that.
 */
export function logJobs(jobs: Pick<ClusterJobs, 'onChange'>, log: Logger): () => void {
  return jobs.onChange((after, before) => {
    const jobLog = log.child({ job: after.id });
    const { type, backupName, location } = after;
    const about = { type, ...(backupName === null ? {} : { backup: backupName }) };
    if (before === null) jobLog.info({ ...about, ...(location === null ? {} : { location }) }, 'job begins');
    if (after.aborted && !before?.aborted) jobLog.warn({ ...about, now: after.abortNow }, 'job is being aborted');
    for (const [index, phase] of after.phases.entries()) logSteps(jobLog, before?.phases[index], phase);
    if (after.finished !== null && (before?.finished ?? null) === null) logEnd(jobLog, after, about);
  });
}

function logEnd(log: Logger, job: ClusterJob, about: object): void {
  const { result, started, finished } = job;
  const line = { ...about, result, durationMillis: (finished ?? started) - started, errors: jobErrors(job).length };
  if (result === 'SUCCESS') log.info(line, 'job ended');
  else log.warn(line, 'job ended');
}

function logSteps(log: Logger, before: Phase | undefined, after: Phase): void {
  if (before === after) return;
  for (const [index, step] of after.steps.entries()) {
    const old = before?.steps[index];
    if (old?.state === step.state && old.attempt === step.attempt && old.taskId === step.taskId) continue;
    const { executorId: node, attempt } = step;
    logStep(log.child({ node, phase: after.name, attempt }), old, step);
  }
}

function logStep(log: Logger, before: Step | undefined, step: Step): void {
  const { state, taskId, report, error, attempt, notBefore } = step;
  const isNewAttempt = before !== undefined && before.attempt !== attempt;
  const reason = error?.message;
  if (isNewAttempt) {
    logKeyspaces(log, report);
    log.warn({ reason, notBefore }, 'step failed and is tried again');
  }
  if (isStepActive(step) && (isNewAttempt || before === undefined || before.state === 'PENDING')) {
    log.info({ task: taskId }, 'step begins');
  } else if (isStepFinal(step)) {
    logKeyspaces(log, report);
    const line = { task: taskId, state, ...(reason === undefined ? {} : { reason }) };
    if (state === 'FAILED') log.warn(line, 'step ended');
    else log.info(line, 'step ended');
  }
}

function logKeyspaces(log: Logger, report: Step['report']): void {
  for (const [keyspace, { status, error }] of endedKeyspaces(report)) {
    if (status === 'FAILURE') log.warn({ keyspace, reason: error }, 'keyspace failed');
  }
}
