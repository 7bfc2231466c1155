import type { Database } from 'better-sqlite3';
import { isStepActive, type ClusterJob, type NewJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { JobType } from '../model/phase.ts';
import { jobOf, jobRow, phaseOf, stepOf, stepRow, type JobRow, type PhaseRow, type StepRow } from './job-rows.ts';
import type { Transactions } from './transactions.ts';

/** Cluster jobs, each with its phases and steps. The ones at hand are kept in memory: they are not to be changed. */
export type JobStore = ReturnType<typeof jobStore>;

export function jobStore(db: Database, transactions: Transactions) {
  const read = jobReader(db);
  const write = jobWriter(db);
  const known = new JobsAtHand(read, transactions);
  function insert(job: NewJob): ClusterJob {
    const stored = { ...job, id: write.insertJob(job) };
    job.phases.forEach((phase, index) => write.savePhase(stored.id, index, phase));
    known.put(stored);
    return stored;
  }
  function save(job: ClusterJob, before?: ClusterJob): void {
    if (before === undefined || !isJobStored(job, before)) write.updateJob(job);
    job.phases.forEach((phase, index) => {
      const stored = before?.phases[index];
      if (phase !== stored) write.savePhase(job.id, index, phase, stored);
    });
    known.put(job);
  }
  return {
    /** Stores a new job. Throws SQLITE_CONSTRAINT_UNIQUE when another one is still running. */
    insert: (job: NewJob): ClusterJob => transactions.run(() => insert(job)),

    /**
     * Stores the job as it is now, in one transaction. With `before`, the job as it was read, only what has changed
     * since is written, and of a step at work only its transitions: how far it is and since when it waits is known
     * to nobody after a restart, and asked for anew.
     */
    save: (job: ClusterJob, before?: ClusterJob): void => transactions.run(() => save(job, before)),

    get: (id: number): ClusterJob | null => known.find(id) ?? read.get(id),

    /** Id of the job with this uuid; null when this state does not know it. */
    idOf: (uuid: string): number | null => read.idOf(uuid),

    /** The one job that has not finished. */
    running: (): ClusterJob | null => known.running,

    /** The newest finished job of a type, however it ended. */
    last: (type: JobType): ClusterJob | null => known.last(type),

    /** Ids of the finished jobs of a type, newest first. */
    finished: (type: JobType, limit: number): number[] => read.finished(type, limit),

    /** Newest first. */
    list: (limit: number): ClusterJob[] => read.newest(limit).flatMap((id) => known.find(id) ?? read.get(id) ?? []),
  };
}

/** The running job and the last finished one of each type, in memory. */
class JobsAtHand {
  readonly #read: ReturnType<typeof jobReader>;
  readonly #transactions: Transactions;
  #running: ClusterJob | null;
  /** Types that were not asked for yet are missing. */
  #last = new Map<JobType, ClusterJob | null>();

  constructor(read: ReturnType<typeof jobReader>, transactions: Transactions) {
    this.#read = read;
    this.#transactions = transactions;
    this.#running = read.running();
  }

  get running(): ClusterJob | null {
    return this.#running;
  }

  last(type: JobType): ClusterJob | null {
    let last = this.#last.get(type);
    if (last === undefined) {
      last = this.#read.last(type);
      this.#last.set(type, last);
    }
    return last;
  }

  find(id: number): ClusterJob | undefined {
    return [this.#running, ...this.#last.values()].find((job) => job?.id === id) ?? undefined;
  }

  /** After the job was stored. */
  put(job: ClusterJob): void {
    const [running, last] = [this.#running, this.#last];
    this.#transactions.changed(() => {
      this.#running = running;
      this.#last = last;
    });
    if (job.finished === null) this.#running = job;
    else {
      const hasRun = running?.id === job.id;
      if (hasRun) this.#running = null;
      const known = last.get(job.type);
      // Jobs end in the order in which they began.
      if (hasRun || (known !== undefined && (known?.id ?? 0) <= job.id)) this.#last = new Map(last).set(job.type, job);
    }
  }
}

function jobReader(db: Database) {
  const get = db.prepare<[number], JobRow>('SELECT * FROM cluster_jobs WHERE id = ?');
  const idOf = db.prepare<[string], { id: number }>('SELECT id FROM cluster_jobs WHERE uuid = ?');
  const running = db.prepare<[], JobRow>('SELECT * FROM cluster_jobs WHERE finished IS NULL');
  const last = db.prepare<[JobType], JobRow>(
    'SELECT * FROM cluster_jobs WHERE type = ? AND finished IS NOT NULL ORDER BY id DESC LIMIT 1',
  );
  const finished = db.prepare<[JobType, number], { id: number }>(
    'SELECT id FROM cluster_jobs WHERE type = ? AND finished IS NOT NULL ORDER BY id DESC LIMIT ?',
  );
  const newest = db.prepare<[number], { id: number }>('SELECT id FROM cluster_jobs ORDER BY id DESC LIMIT ?');
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
    idOf: (uuid: string) => idOf.get(uuid)?.id ?? null,
    running: () => wholeOrNull(running.get()),
    last: (type: JobType) => wholeOrNull(last.get(type)),
    finished: (type: JobType, limit: number) => finished.all(type, limit).map(({ id }) => id),
    newest: (limit: number) => newest.all(limit).map(({ id }) => id),
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
     SET parameters = @parameters, finished = @finished, aborted = @aborted, abort_now = @abort_now, result = @result, errors = @errors
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
      if (finished !== stored?.finished) {
        savePhase.run({ job_id: jobId, phase: index, name, concurrency, once: Number(once), finished });
      }
      phase.steps.forEach((step, position) => {
        const before = stored?.steps[position];
        if (before === undefined || !isStepStored(step, before)) {
          saveStep.run(stepRow(jobId, index, position, step));
        }
      });
    },
  };
}

/** True when the job's own row would be the same. */
function isJobStored(job: ClusterJob, before: ClusterJob): boolean {
  const columns = ['parameters', 'finished', 'aborted', 'abortNow', 'result', 'errors'] as const;
  return columns.every((column) => job[column] === before[column]);
}

function isStepStored(step: Step, before: Step): boolean {
  if (step === before) return true;
  return (Object.keys(step) as (keyof Step)[]).every((key) => step[key] === before[key] || isPassing(key, step));
}

/** What a restart makes worthless, and what the step's end will say again in full. */
function isPassing(key: keyof Step, step: Step): boolean {
  return key === 'lastSeen' || key === 'waitingSince' || key === 'samples' || (key === 'report' && isStepActive(step));
}
