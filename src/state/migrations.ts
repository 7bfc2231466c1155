/**
 * The schema's history: entry n brings a database from version n to n + 1. Entries are never changed once
 * released, only added; `PRAGMA user_version` says how many were applied.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE framework (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;

  CREATE TABLE nodes (
    number        INTEGER PRIMARY KEY,
    executor_id   TEXT NOT NULL UNIQUE,
    executor_info BLOB,
    document      TEXT NOT NULL
  ) STRICT;

  CREATE TABLE cluster_jobs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    type        TEXT NOT NULL,
    backup_name TEXT NOT NULL,
    location    TEXT NOT NULL,
    parameters  TEXT NOT NULL,
    started     INTEGER NOT NULL,
    finished    INTEGER,
    aborted     INTEGER NOT NULL,
    abort_now   INTEGER NOT NULL,
    result      TEXT,
    errors      TEXT NOT NULL
  ) STRICT;

  -- One job at a time, whoever asks.
  CREATE UNIQUE INDEX one_running_job ON cluster_jobs ((finished IS NULL)) WHERE finished IS NULL;
  CREATE INDEX cluster_jobs_by_type ON cluster_jobs (type, id);

  CREATE TABLE phases (
    job_id      INTEGER NOT NULL REFERENCES cluster_jobs (id) ON DELETE CASCADE,
    phase       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    concurrency INTEGER NOT NULL,
    once        INTEGER NOT NULL,
    finished    INTEGER,
    PRIMARY KEY (job_id, phase)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE steps (
    job_id        INTEGER NOT NULL,
    phase         INTEGER NOT NULL,
    step          INTEGER NOT NULL,
    executor_id   TEXT NOT NULL,
    state         TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    task_id       TEXT,
    started       INTEGER,
    finished      INTEGER,
    not_before    INTEGER,
    waiting_since INTEGER,
    last_seen     INTEGER,
    kill_since    INTEGER,
    report        TEXT,
    error         TEXT,
    PRIMARY KEY (job_id, phase, step),
    FOREIGN KEY (job_id, phase) REFERENCES phases (job_id, phase) ON DELETE CASCADE
  ) STRICT;

  CREATE TABLE backups (
    location TEXT NOT NULL,
    name     TEXT NOT NULL,
    job_id   INTEGER NOT NULL REFERENCES cluster_jobs (id),
    state    TEXT NOT NULL,
    started  INTEGER NOT NULL,
    finished INTEGER,
    PRIMARY KEY (location, name)
  ) STRICT;
  `,
  // Backups that were found at a location, and no job is known of; and what their documents say.
  `
  CREATE TABLE found_backups (
    location TEXT NOT NULL,
    name     TEXT NOT NULL,
    job_id   INTEGER REFERENCES cluster_jobs (id),
    state    TEXT NOT NULL,
    started  INTEGER,
    finished INTEGER,
    summary  TEXT,
    PRIMARY KEY (location, name)
  ) STRICT;

  INSERT INTO found_backups (location, name, job_id, state, started, finished)
    SELECT location, name, job_id, state, started, finished FROM backups;
  DROP TABLE backups;
  ALTER TABLE found_backups RENAME TO backups;
  `,
  // Backups by the clock.
  `
  CREATE TABLE schedules (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT;
  `,
  // Ends of jobs that a webhook is still to be told of.
  `
  CREATE TABLE deliveries (
    job_id     INTEGER PRIMARY KEY REFERENCES cluster_jobs (id) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    not_before INTEGER NOT NULL
  ) STRICT;
  `,
];
