import type { Database } from 'better-sqlite3';

/** The end of a job that somebody outside has not confirmed to have heard of. */
export interface Delivery {
  jobId: number;
  /** Epoch ms of the job's end. */
  created: number;
  /** How often it was tried in vain. */
  attempts: number;
  /** Not to be tried again before (epoch ms). */
  notBefore: number;
}

/** What is still to be told outside. It has to be told also when the scheduler restarts meanwhile. */
export type DeliveryStore = ReturnType<typeof deliveryStore>;

const COLUMNS = 'job_id AS jobId, created, attempts, not_before AS notBefore';

export function deliveryStore(db: Database) {
  const next = db.prepare<[], Delivery>(`SELECT ${COLUMNS} FROM deliveries ORDER BY not_before, job_id LIMIT 1`);
  const count = db.prepare<[], { count: number }>('SELECT count(*) AS count FROM deliveries');
  const save = db.prepare<[Delivery]>(
    `INSERT INTO deliveries (job_id, created, attempts, not_before) VALUES (@jobId, @created, @attempts, @notBefore)
     ON CONFLICT (job_id) DO UPDATE SET attempts = excluded.attempts, not_before = excluded.not_before`,
  );
  const remove = db.prepare<[number]>('DELETE FROM deliveries WHERE job_id = ?');
  return {
    /** The one whose turn comes first; null when there is none. */
    next: (): Delivery | null => next.get() ?? null,
    count: (): number => count.get()?.count ?? 0,
    add: (jobId: number, now: number): void => void save.run({ jobId, created: now, attempts: 0, notBefore: now }),
    save: (delivery: Delivery): void => void save.run(delivery),
    delete: (jobId: number): void => void remove.run(jobId),
  };
}
