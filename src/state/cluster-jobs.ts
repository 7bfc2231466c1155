import type { Database } from 'better-sqlite3';
import type { ClusterJob, NewJob, Phase, Step } from '../model/cluster-job.ts';
import type { JobType } from '../model/phase.ts';
import { jobOf, jobRow, phaseOf, stepOf, stepRow, type JobRow, type PhaseRow, type StepRow } from './job-rows.ts';

/** Cluster jobs, each with its phases and steps. */
export type JobStore = ReturnType<typeof jobStore>;

export function jobStore(db: Database) {
  const read = jobReader(db);
  const write = jobWriter(db);
  const insert = db.transaction((job: NewJob): ClusterJob => {
    const id = write.insertJob(job);
    job.phases.forEach((phase, index) => write.savePhase(id, index, phase));
    return { ...job, id };
  });
  const save = db.transaction((job: ClusterJob, before?: ClusterJob): void => {
    write.updateJob(job);
    job.phases.forEach((phase, index) => {
      const stored = before?.phases[index];
      if (phase !== stored) write.savePhase(job.id, index, phase, stored);
    });
  });
  return {
    /** Stores a new job. Throws SQLITE_CONSTRAINT_UNIQUE when another one is still running. */
    insert: (job: NewJob): ClusterJob => insert(job),

    /**
     * Stores the job as it is now, in one transaction. Phases and steps that are the same objects as in
     * `before` are taken as stored already.
     */
    save: (job: ClusterJob, before?: ClusterJob): void => save(job, before),

    get: (id: number): ClusterJob | null => read.get(id),

    /** The one job that has not finished. */
    running: (): ClusterJob | null => read.running(),

    /** The newest finished job of a type, however it ended. */
    last: (type: JobType): ClusterJob | null => read.last(type),

    /** Newest first. */
    list: (limit: number): ClusterJob[] => read.newest(limit),
  };
}

function jobReader(db: Database) {
  const get = db.prepare<[number], JobRow>('SELECT * FROM cluster_jobs WHERE id = ?');
  const running = db.prepare<[], JobRow>('SELECT * FROM cluster_jobs WHERE finished IS NULL');
  const last = db.prepare<[JobType], JobRow>(
    'SELECT * FROM cluster_jobs WHERE type = ? AND finished IS NOT NULL ORDER BY id DESC LIMIT 1',
  );
  const newest = db.prepare<[number], JobRow>('SELECT * FROM cluster_jobs ORDER BY id DESC LIMIT ?');
  const phases = db.prepare<[number], PhaseRow>('SELECT * FROM phases WHERE job_id = ? ORDER BY phase');
  const steps = db.prepare<[number], StepRow>('SELECT * FROM steps WHERE job_id = ? ORDER BY phase, step');

  function whole(row: JobRow): ClusterJob {
    const all = phases.all(row.id).map(phaseOf);
    for (const step of steps.all(row.id)) all[step.phase]?.steps.push(stepOf(step));
    return jobOf(row, all);
  }
  function wholeOrNull(row: JobRow | undefined): ClusterJob | null {
    return row ? whole(row) : null;
  }
  return {
    get: (id: number) => wholeOrNull(get.get(id)),
    running: () => wholeOrNull(running.get()),
    last: (type: JobType) => wholeOrNull(last.get(type)),
    newest: (limit: number) => newest.all(limit).map(whole),
  };
}

function jobWriter(db: Database) {
  const insertJob = db.prepare(
    `INSERT INTO cluster_jobs
       (uuid, type, backup_name, location, parameters, started, finished, aborted, abort_now, result, errors)
     VALUES
       (@uuid, @type, @backup_name, @location, @parameters, @started, @finished, @aborted, @abort_now, @result, @errors)`,
  );
  const updateJob = db.prepare(
    `UPDATE cluster_jobs
     SET finished = @finished, aborted = @aborted, abort_now = @abort_now, result = @result, errors = @errors
     WHERE id = @id`,
  );
  const savePhase = db.prepare<[PhaseRow]>(
    `INSERT INTO phases (job_id, phase, name, concurrency, once, finished)
     VALUES (@job_id, @phase, @name, @concurrency, @once, @finished)
     ON CONFLICT DO UPDATE SET finished = excluded.finished`,
  );
  const saveStep = db.prepare<[StepRow]>(
    `INSERT OR REPLACE INTO steps
       (job_id, phase, step, executor_id, state, attempt, task_id, started, finished, not_before,
        waiting_since, last_seen, kill_since, report, error)
     VALUES
       (@job_id, @phase, @step, @executor_id, @state, @attempt, @task_id, @started, @finished, @not_before,
        @waiting_since, @last_seen, @kill_since, @report, @error)`,
  );
  return {
    insertJob: (job: NewJob): number => Number(insertJob.run(jobRow(job)).lastInsertRowid),
    updateJob: (job: ClusterJob): void => void updateJob.run({ ...jobRow(job), id: job.id }),
    savePhase(jobId: number, index: number, phase: Phase, stored?: Phase): void {
      const { name, concurrency, once, finished } = phase;
      savePhase.run({ job_id: jobId, phase: index, name, concurrency, once: Number(once), finished });
      phase.steps.forEach((step: Step, position) => {
        if (step !== stored?.steps[position]) saveStep.run(stepRow(jobId, index, position, step));
      });
    },
  };
}
