import type { ClusterJob, JobParameters, NewJob, Phase, Step } from '../model/cluster-job.ts';
import type { JobError, StepReport } from '../model/step.ts';

// SQLite has no booleans and no nested values: 0 and 1, and JSON text.

export interface JobRow {
  id: number;
  uuid: string;
  type: ClusterJob['type'];
  backup_name: string;
  location: string;
  parameters: string;
  started: number;
  finished: number | null;
  aborted: number;
  abort_now: number;
  result: ClusterJob['result'];
  errors: string;
}

export interface PhaseRow {
  job_id: number;
  /** Its place in the job. */
  phase: number;
  name: Phase['name'];
  concurrency: number;
  once: number;
  finished: number | null;
}

export interface StepRow {
  job_id: number;
  phase: number;
  /** Its place in the phase. */
  step: number;
  executor_id: string;
  state: Step['state'];
  attempt: number;
  task_id: string | null;
  started: number | null;
  finished: number | null;
  not_before: number | null;
  waiting_since: number | null;
  last_seen: number | null;
  kill_since: number | null;
  report: string | null;
  error: string | null;
}

export function jobRow(job: NewJob): Omit<JobRow, 'id'> {
  return {
    uuid: job.uuid,
    type: job.type,
    // Jobs without a backup have empty texts here.
    backup_name: job.backupName ?? '',
    location: job.location ?? '',
    parameters: JSON.stringify(job.parameters),
    started: job.started,
    finished: job.finished,
    aborted: Number(job.aborted),
    abort_now: Number(job.abortNow),
    result: job.result,
    errors: JSON.stringify(job.errors),
  };
}

export function jobOf(row: JobRow, phases: Phase[]): ClusterJob {
  return {
    id: row.id,
    uuid: row.uuid,
    type: row.type,
    backupName: row.backup_name || null,
    location: row.location || null,
    parameters: JSON.parse(row.parameters) as JobParameters,
    started: row.started,
    finished: row.finished,
    aborted: row.aborted === 1,
    abortNow: row.abort_now === 1,
    result: row.result,
    phases,
    errors: JSON.parse(row.errors) as JobError[],
  };
}

/** A phase whose steps are still to be filled in. */
export function phaseOf(row: PhaseRow): Phase {
  return { name: row.name, concurrency: row.concurrency, once: row.once === 1, finished: row.finished, steps: [] };
}

export function stepRow(jobId: number, phase: number, position: number, step: Step): StepRow {
  return {
    job_id: jobId,
    phase,
    step: position,
    executor_id: step.executorId,
    state: step.state,
    attempt: step.attempt,
    task_id: step.taskId,
    started: step.started,
    finished: step.finished,
    not_before: step.notBefore,
    waiting_since: step.waitingSince,
    last_seen: step.lastSeen,
    kill_since: step.killSince,
    report: step.report && JSON.stringify(step.report),
    error: step.error && JSON.stringify(step.error),
  };
}

export function stepOf(row: StepRow): Step {
  return {
    executorId: row.executor_id,
    state: row.state,
    attempt: row.attempt,
    taskId: row.task_id,
    started: row.started,
    finished: row.finished,
    notBefore: row.not_before,
    waitingSince: row.waiting_since,
    lastSeen: row.last_seen,
    killSince: row.kill_since,
    report: row.report === null ? null : (JSON.parse(row.report) as StepReport),
    error: row.error === null ? null : (JSON.parse(row.error) as JobError),
  };
}
