import type { Database } from 'better-sqlite3';

/**
 * RUNNING while its job runs; COMPLETE: every keyspace of every node; PARTIAL: its record says what is
 * missing; INCOMPLETE: its job ended without a record.
 */
export type BackupState = 'RUNNING' | 'COMPLETE' | 'PARTIAL' | 'INCOMPLETE';

/** What the scheduler remembers of a backup that it made. */
export interface BackupEntry {
  location: string;
  name: string;
  jobId: number;
  state: BackupState;
  /** Epoch ms. */
  started: number;
  finished: number | null;
}

/** The catalogue as this scheduler knows it; what lies at a location is the truth where it can be read. */
export type BackupStore = ReturnType<typeof backupStore>;

const COLUMNS = 'location, name, job_id AS jobId, state, started, finished';

export function backupStore(db: Database) {
  const find = db.prepare<[string, string], BackupEntry>(
    `SELECT ${COLUMNS} FROM backups WHERE location = ? AND name = ?`,
  );
  const list = db.prepare<[], BackupEntry>(`SELECT ${COLUMNS} FROM backups ORDER BY started DESC, name`);
  const save = db.prepare<[BackupEntry]>(
    `INSERT INTO backups (location, name, job_id, state, started, finished)
     VALUES (@location, @name, @jobId, @state, @started, @finished)
     ON CONFLICT (location, name) DO UPDATE
     SET job_id = excluded.job_id, state = excluded.state, started = excluded.started, finished = excluded.finished`,
  );
  const remove = db.prepare<[string, string]>('DELETE FROM backups WHERE location = ? AND name = ?');
  return {
    find: (location: string, name: string): BackupEntry | null => find.get(location, name) ?? null,
    /** Newest first. */
    list: (): BackupEntry[] => list.all(),
    save: (entry: BackupEntry): void => void save.run(entry),
    delete: (location: string, name: string): void => void remove.run(location, name),
  };
}
