import { hostname } from 'node:os';
import Database from 'better-sqlite3';
import { messageOf, OperatorError, wrapError } from '../errors.ts';

/** How long a scheduler waits for the one before it to let go, in ms: its process may just be ending. */
const PATIENCE_MS = 2_000;

/** The right to be the only scheduler on a state file. */
export interface Ownership {
  release: () => void;
}

/**
 * Takes the right to the state file at `path`, or throws an error that names the process which has it. The
 * right is a lock of the kernel on `<path>.lock` (held by an open SQLite transaction), so that it ends with its
 * process however that dies, and holds across containers, where process ids say nothing.
 */
export function takeOwnership(path: string): Ownership {
  const lock = new Database(`${path}.lock`, { timeout: PATIENCE_MS });
  try {
    lock.exec('BEGIN IMMEDIATE');
  } catch (error) {
    lock.close();
    if ((error as { code?: unknown }).code !== 'SQLITE_BUSY') throw wrapError(`lock state file ${path}`, error);
    throw new OperatorError('INTERNAL', `The state file ${path} is in use by ${ownerOf(path)}`, {
      cause: error,
      hint: 'Stop the other scheduler, or give this one a state file of its own.',
    });
  }
  return { release: () => lock.close() };
}

/** Writes down who the owner is, for the one that is refused. */
export function signOwnership(db: Database.Database): void {
  db.prepare(
    `INSERT INTO framework (key, value) VALUES ('owner', ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
  ).run(`process ${process.pid} on ${hostname()}`);
}

function ownerOf(path: string): string {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true });
    try {
      const row = db.prepare<[], { value: string }>(`SELECT value FROM framework WHERE key = 'owner'`).get();
      return row?.value ?? 'another process';
    } finally {
      db.close();
    }
  } catch (error) {
    return `another process (its name could not be read: ${messageOf(error)})`;
  }
}
