import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { OperatorError, wrapError } from '../errors.ts';
import { backupStore, type BackupStore } from './backups.ts';
import { jobStore, type JobStore } from './cluster-jobs.ts';
import { deliveryStore, type DeliveryStore } from './deliveries.ts';
import { frameworkStore, type FrameworkStore } from './framework.ts';
import { MIGRATIONS } from './migrations.ts';
import { nodeStore, type NodeStore } from './nodes.ts';
import { scheduleStore, type ScheduleStore } from './schedules.ts';
import { signOwnership, takeOwnership } from './owner.ts';
import { Transactions } from './transactions.ts';

const OLDEST_NODE = 22;

/** How long a statement waits for a reader from outside, for example the sqlite3 shell, in ms. */
const BUSY_MS = 5_000;

/**
 * Everything that the scheduler must not forget, in one SQLite file. All calls are synchronous and durable on return.
 * Nodes and the jobs at hand are kept in memory as well: values that are read or saved are shared, and not to be
 * changed afterwards.
 */
export interface State {
  readonly framework: FrameworkStore;
  readonly nodes: NodeStore;
  readonly jobs: JobStore;
  readonly backups: BackupStore;
  readonly deliveries: DeliveryStore;
  readonly schedules: ScheduleStore;
  /** Runs `fn` in one transaction: all of its changes are stored, or, when it throws, none. */
  transaction<T>(fn: () => T): T;
  close(): void;
}

/**
 * Opens the state file at `path`, makes it when there is none, and brings it to the newest schema. Throws when
 * another scheduler has it, when a newer version of this program made it, or when it cannot be read.
 */
export function openState(path: string, migrations: readonly string[] = MIGRATIONS): State {
  const { db, close } = openDatabase(path, migrations);
  const transactions = new Transactions(db);
  return {
    framework: frameworkStore(db),
    nodes: nodeStore(db, transactions),
    jobs: jobStore(db, transactions),
    backups: backupStore(db),
    deliveries: deliveryStore(db),
    schedules: scheduleStore(db),
    transaction: (fn) => transactions.run(fn),
    close,
  };
}

function openDatabase(path: string, migrations: readonly string[]): { db: Database.Database; close: () => void } {
  checkNodeVersion(process.versions.node);
  mkdirSync(dirname(path), { recursive: true });
  const ownership = takeOwnership(path);
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: BUSY_MS });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    migrate(db, path, migrations);
    signOwnership(db);
  } catch (error) {
    db?.close();
    ownership.release();
    throw wrapError(`open state file ${path}`, error);
  }
  const opened = db;
  return {
    db: opened,
    close: () => {
      opened.close();
      ownership.release();
    },
  };
}

/** The native part of better-sqlite3 crashes on older Nodes instead of saying why; it is loaded by the first open. */
export function checkNodeVersion(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return;
  throw new OperatorError('INTERNAL', `Expected Node.js ${OLDEST_NODE} or newer, this is ${version}`, {
    hint: 'Run the scheduler with a newer Node.js; `npm run` uses the one that the package pins.',
  });
}

function migrate(db: Database.Database, path: string, migrations: readonly string[]): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length) {
    throw new OperatorError(
      'INTERNAL',
      `${path} has schema version ${version}, this program knows versions up to ${migrations.length}`,
      {
        hint: 'A newer version of this program made the file: run that one, or restore a copy from before the upgrade.',
      },
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}
