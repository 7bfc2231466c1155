import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
 * Does something once for each change at which it may be cut: `cut` gets a fresh copy of a directory (links stay links) and the number of the
 * change, and says whether it was cut there. Ends with the first that was not. Returns how often it was.
 */
export async function atEveryCrash(
  directory: string,
  cut: (copy: string, at: number) => Promise<boolean>,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    const work = await mkdtemp(join(BASE, 'crash-'));
    try {
      const copy = join(work, 'copy');
      await run('cp', ['-a', directory, copy]);
      if (!(await cut(copy, at))) return at - 1;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
}
