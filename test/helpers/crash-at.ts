import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PRELOAD = new URL('crash-preload.ts', import.meta.url).href;
const STEP = new URL('run-step-child.ts', import.meta.url).pathname;

/** Far more than a step on a small directory takes, on the slowest machine. */
const DEADLINE_MS = 60_000;

/** Where the kernel keeps files in memory, an fsync costs nothing; a killed process loses nothing of either. */
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface Crash {
  /** Before which change of the file system it is killed: 1 is the first. 0: never. */
  at: number;
  /** Only what is changed below this directory counts. */
  below: string;
}

/** A step of a node: see crashStepAt. */
export interface StepAt {
  location: string;
  request: object;
  node?: string;
}

/**
 * Runs a TypeScript program in a process of its own that is killed (SIGKILL) before its n-th change of files or folders. True when it was, false
 * when it came to its end before. Rejects when it failed. What threads of it do is not counted.
 */
export async function crashAt({ at, below }: Crash, program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(process.execPath, ['--import', PRELOAD, program, ...args], {
      timeout: DEADLINE_MS,
      env: { ...process.env, CRASH_AT: String(at), CRASH_BELOW: below },
    });
    return false;
  } catch (error) {
    const { signal, killed } = error as { signal?: string; killed?: boolean };
    if (signal === 'SIGKILL' && killed !== true) return true;
    throw error;
  }
}

/**
 * As crashAt, for one step of a node: `request` as in test/helpers/step-context.ts, at a location that is a directory. `node`: where its data
 * lies, see nodeIn; a node without data when it is left out.
 */
export async function crashStepAt(crash: Crash, location: string, request: object, node?: string): Promise<boolean> {
  return crashAt(crash, STEP, [location, JSON.stringify(request), ...(node === undefined ? [] : [node])]);
}

/**
 * Does a step once, in a process that is stopped (SIGSTOP, with all of its threads) before each of its changes: what lies there then is what it would
 * leave if it were killed there. `step` says what is done at a copy of the directory (links stay links), `check` gets a copy of each moment with
 * its number. Returns how many changes there were; the last moment is the step's end.
 */
export async function atEveryCrash(
  directory: string,
  step: (copy: string) => StepAt,
  check: (copy: string, at: number) => Promise<void>,
): Promise<number> {
  const work = await mkdtemp(join(BASE, 'crash-'));
  try {
    const origin = join(work, 'origin');
    await run('cp', ['-a', directory, origin]);
    let moments = 0;
    const keep = async (): Promise<void> => void (await run('cp', ['-a', origin, join(work, String((moments += 1)))]));
    await stopAtEachChange(step(origin), keep);
    await keep();
    for (let at = 1; at <= moments; at += 1) {
      await check(join(work, String(at)), at);
      await rm(join(work, String(at)), { recursive: true });
    }
    return moments - 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Rejects when the step failed. */
async function stopAtEachChange({ location, request, node }: StepAt, stopped: () => Promise<void>): Promise<void> {
  const args = ['--import', PRELOAD, STEP, location, JSON.stringify(request), ...(node === undefined ? [] : [node])];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, CRASH_AT: 'each', CRASH_BELOW: location },
  });
  const { pid, stderr } = child;
  const changes = child.stdio[3];
  if (pid === undefined || stderr === null || !(changes instanceof Readable)) throw new Error('cannot run a step');
  const ended = Promise.all([once(child, 'exit') as Promise<[number | null]>, text(stderr)]);
  try {
    // Before each change it writes one byte, and stops itself.
    for await (const _ of changes) {
      while (stateOf(pid) !== 'T') await setImmediate();
      await stopped();
      child.kill('SIGCONT');
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const [[code], said] = await ended;
  if (code !== 0) throw new Error(`expected the step to end well, got exit code ${code}: ${said}`);
}

/** As the kernel shows it: T is stopped. */
function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat[stat.lastIndexOf(')') + 2];
}
