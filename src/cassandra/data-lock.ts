import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OperatorError } from '../errors.ts';

/** A process beyond doubt: the kernel gives a pid again, but not with the same start time and boot. */
interface Holder {
  pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. */
  startTime: string;
  boot: string;
}

const LOCK_FILE = 'node.lock';

/**
 * Holds the node's directories for one process as long as that lives: two Cassandras on the same data destroy it.
 * Whoever holds is told by /proc alone, so a lock that was left behind by a killed process is no lock.
 */
export class DataLock {
  readonly #files: string[];

  private constructor(files: string[]) {
    this.#files = files;
  }

  /** Takes the lock of all directories for this process. Throws CASSANDRA_ERROR naming the holder when one is held. */
  static acquire(directories: string[]): DataLock {
    const taken: string[] = [];
    const self = JSON.stringify(holderOf(process.pid));
    try {
      for (const directory of directories) {
        mkdirSync(directory, { recursive: true });
        const file = join(directory, LOCK_FILE);
        acquireFile(file, self);
        taken.push(file);
      }
    } catch (error) {
      for (const file of taken) rmSync(file, { force: true });
      throw error;
    }
    return new DataLock(taken);
  }

  /** Hands the lock over to a child that was just started: it outlives this process, and then so does the lock. */
  handOver(pid: number): void {
    const holder = JSON.stringify(holderOf(pid));
    for (const file of this.#files) {
      const temporary = `${file}.${randomUUID()}`;
      writeFileSync(temporary, holder);
      renameSync(temporary, file);
    }
  }

  /** Gives the directories free. Only after the process that held them is gone. */
  release(): void {
    for (const file of this.#files) rmSync(file, { force: true });
  }
}

/** Makes `file` whole or not at all, by a link: it fails when the file is there. */
function acquireFile(file: string, content: string): void {
  const temporary = `${file}.${randomUUID()}`;
  writeFileSync(temporary, content);
  try {
    if (tryLink(temporary, file)) return;
    const found = readIfThere(file);
    const holder = found === null ? null : parseHolder(found);
    if (holder && isAlive(holder)) throw heldError(file, holder);
    if (found !== null) removeStale(file, found);
    if (!tryLink(temporary, file)) throw heldError(file, parseHolder(readIfThere(file) ?? ''));
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Takes a dead process's lock away, and puts it back if meanwhile it became that of a living one. */
function removeStale(file: string, expected: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== expected) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function heldError(file: string, holder: Holder | null): OperatorError {
  const who = holder ? `process ${holder.pid}` : 'another process';
  return new OperatorError('CASSANDRA_ERROR', `the node's data is in use by ${who} (${file})`, {
    hint: 'Stop that Cassandra first: two of them on the same data would destroy it.',
  });
}

function holderOf(pid: number): Holder {
  return { pid, startTime: startTimeOf(pid) ?? '', boot: bootId() };
}

function isAlive(holder: Holder): boolean {
  return holder.boot === bootId() && startTimeOf(holder.pid) === holder.startTime;
}

/** Null when there is no such process, or it is a zombie: it has let go of everything but its pid. */
function startTimeOf(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the name in parentheses and may hold anything, spaces too: count behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, startTime, boot } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof boot !== 'string') return null;
    return { pid, startTime, boot };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw new OperatorError('CASSANDRA_ERROR', `lock ${to}: ${messageOf(error)}`, { cause: error });
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return (error as { code?: unknown } | null)?.code === code;
}
