import type { Database } from 'better-sqlite3';
import { emptySummary, type BackupSummary, type StoredState } from '../model/backup-summary.ts';

/**
 * RUNNING while its job runs; COMPLETE: every keyspace of every node; PARTIAL: its record says what is
 * missing; INCOMPLETE: its job ended without a record; DAMAGED: its record cannot be used; DELETING: its deletion has begun.
 */
export type BackupState = 'RUNNING' | StoredState;

/** What the scheduler remembers of a backup that it made, or found at a location. */
export interface BackupEntry {
  location: string;
  name: string;
  /** Null: this scheduler knows of no job that made it. */
  jobId: number | null;
  state: BackupState;
  /** Epoch ms. */
  started: number | null;
  finished: number | null;
  /** As its documents were when they were last looked at; null until then. */
  summary: BackupSummary | null;
}

export type BackupNote = Pick<BackupEntry, 'name' | 'state' | 'jobId' | 'started' | 'finished'>;

/** The catalogue as this scheduler knows it; what lies at a location is the truth where it can be read. */
export type BackupStore = ReturnType<typeof backupStore>;

interface Row extends Omit<BackupEntry, 'summary'> {
  summary: string | null;
}

const COLUMNS = 'location, name, job_id AS jobId, state, started, finished, summary';

export function backupStore(db: Database) {
  const find = db.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM backups WHERE location = ? AND name = ?`);
  const list = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM backups ORDER BY started DESC, name`);
  const locations = db.prepare<[], { location: string }>('SELECT DISTINCT location FROM backups');
  const briefly = db.prepare<[string], BackupNote>(
    `SELECT name, state, job_id AS jobId, started, finished FROM backups WHERE location = ?`,
  );
  const fingerprints = db.prepare<[string], { name: string; fingerprint: string | null }>(
    `SELECT name, json_extract(summary, '$.fingerprint') AS fingerprint FROM backups WHERE location = ?`,
  );
  const at = db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM backups WHERE location = ?`);
  const save = db.prepare<[Row]>(
    `INSERT INTO backups (location, name, job_id, state, started, finished, summary)
     VALUES (@location, @name, @jobId, @state, @started, @finished, @summary)
     ON CONFLICT (location, name) DO UPDATE
     SET job_id = excluded.job_id, state = excluded.state, started = excluded.started, finished = excluded.finished,
         summary = excluded.summary`,
  );
  const count = db.prepare<[], { state: BackupState; count: number }>(
    'SELECT state, count(*) AS count FROM backups GROUP BY state',
  );
  const remove = db.prepare<[string, string]>('DELETE FROM backups WHERE location = ? AND name = ?');
  return {
    find(location: string, name: string): BackupEntry | null {
      const row = find.get(location, name);
      return row === undefined ? null : entryOf(row);
    },
    /** Newest first. */
    list: (): BackupEntry[] => list.all().map(entryOf),
    /** Where they lie. */
    locations: (): string[] => locations.all().map(({ location }) => location),
    at: (location: string): BackupEntry[] => at.all(location).map(entryOf),
    summaries: (location: string): BackupSummary[] => at.all(location).flatMap((row) => entryOf(row).summary ?? []),
    /** Without the summaries, which may be megabytes. */
    briefly: (location: string): BackupNote[] => briefly.all(location),
    /** Of the documents that each summary was read from, by name. */
    fingerprints: (location: string): Map<string, string | null> =>
      new Map(fingerprints.all(location).map(({ name, fingerprint }) => [name, fingerprint])),
    /** How many there are in each state that occurs. */
    counts: (): { state: BackupState; count: number }[] => count.all(),
    save: (entry: BackupEntry): void =>
      void save.run({ ...entry, summary: entry.summary && JSON.stringify(entry.summary) }),
    delete: (location: string, name: string): void => void remove.run(location, name),
  };
}

function entryOf({ summary, ...row }: Row): BackupEntry {
  return { ...row, summary: summary === null ? null : summaryFrom(summary) };
}

/** What earlier versions did not write down yet is not known. */
function summaryFrom(text: string): BackupSummary {
  const stored = JSON.parse(text) as BackupSummary;
  return { ...emptySummary(stored.name, stored.state, stored.message, stored.nodes), ...stored };
}
