import { statfs } from 'node:fs/promises';
import { OperatorError, messageOf } from '../errors.ts';

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const DENIED = new Set(['EACCES', 'EPERM']);
const GONE = new Set(['ENOENT', 'ESTALE', 'ENOTDIR']);

/** What was done when a system error came. */
export interface FailedAct {
  /** Lower-case, with the key: `storing a/b/c`. */
  operation: string;
  /** Directory on the file system that was written to, or that the file lies on. */
  directory: string;
  /** Bytes that the act wanted to write; null when it only read. */
  needed: number | null;
}

/** Turns a system error into the OperatorError that says what to do. Anything else passes as it is. */
export async function storageError(error: unknown, act: FailedAct): Promise<unknown> {
  const { code, path } = Object(error) as { code?: unknown; path?: string };
  if (error instanceof OperatorError || typeof code !== 'string') return error;
  const message = `${act.operation}: ${messageOf(error)}`;
  if (NO_SPACE.has(code)) {
    const free = await freeBytes(act.directory);
    const details = { needed: act.needed, free };
    const facts = `${act.needed ?? 'some'} bytes are needed, ${free ?? 'an unknown number of'} bytes are free`;
    return new OperatorError('NO_SPACE', `${message}; ${facts} in ${act.directory}`, {
      cause: error,
      details,
      hint: code === 'ENOSPC' ? 'Make room there or choose another location.' : LIMIT_HINT,
    });
  }
  const place = path === undefined || path.startsWith(`${act.directory}/`) ? act.directory : path;
  return new OperatorError('STORAGE_FAILED', message, { cause: error, hint: hintFor(code, place) });
}

const LIMIT_HINT = 'A quota or a limit on the size of files is in the way: raise it or choose another location.';

function hintFor(code: string, place: string): string {
  if (DENIED.has(code)) return `Let the user that runs this process read and write ${place}.`;
  if (code === 'EROFS') return `${place} is mounted read-only: mount it for writing.`;
  if (GONE.has(code)) return `Check that ${place} exists and that its file system is mounted.`;
  if (code === 'ELOOP') return 'Symbolic links are not followed below the location: put a real file or folder there.';
  return `Check the file system of ${place} and the system's log.`;
}

/** Bytes that an ordinary user may still write, null when the system does not say. */
export async function freeBytes(directory: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    // Only a figure for a message or a first check: the write itself tells the truth.
    return null;
  }
}

/** A file that must not change has. */
export function sourceChanged(source: string, got: string, cause?: unknown): OperatorError {
  return new OperatorError('SNAPSHOT_FAILED', `expected ${source} to stay as it is while it is read, but ${got}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Files of a snapshot never change: find out what writes there, then start the job again.',
  });
}

/** What is stored is not what was. */
export function damaged(key: string, expected: { size: number; sha256: string }, got: string): OperatorError {
  return new OperatorError(
    'BACKUP_DAMAGED',
    `expected ${key} with ${expected.size} bytes and sha256 ${expected.sha256}, but ${got}`,
    { hint: 'Restore from another backup, or put the right file there.' },
  );
}

/** Runs an act and turns the system's error into one that says what to do. */
export async function explained<T>(act: FailedAct, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw await storageError(error, act);
  }
}

/** The same of what comes piece by piece. */
export async function* explainedEach<T>(act: FailedAct, found: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* found;
  } catch (error) {
    throw await storageError(error, act);
  }
}
