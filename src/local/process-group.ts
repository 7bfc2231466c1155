// Processes as /proc shows them. An executor leads a session of its own; whatever it started and left behind is
// found by that session or process group, as Mesos's posix launcher does.
import { readFileSync, readdirSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';

/** One process of this machine's boot: a pid is used again, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  startTime: string;
}

interface ProcessStat extends ProcessIdentity {
  state: string;
  group: number;
  session: number;
}

/** The identity of a process that is running now; `undefined` when there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** False for a zombie: it only waits for its parent to ask how it ended. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !hasEnded(stat);
}

/** The living processes of the leader's group and session, itself included. */
export function groupOf(leader: ProcessIdentity): number[] {
  const now = readStat(leader.pid);
  // The kernel gives a pid away only when no group and no session has that number any more.
  if (now && now.startTime !== leader.startTime) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined && !hasEnded(stat))
    .filter((stat) => stat?.group === leader.pid || stat?.session === leader.pid)
    .map((stat) => stat?.pid ?? 0);
}

/** How often the group is looked at while it ends: nothing tells of the end of a process that is not our child. */
const LOOK_MS = 20;

/**
 * Kills the whole group with SIGKILL and resolves when none of it lives. A process in uninterruptible sleep ends only
 * when its I/O returns: TIMEOUT after `timeoutMs`.
 */
export async function killGroup(leader: ProcessIdentity, clock: Clock, timeoutMs = 60_000): Promise<void> {
  const deadline = clock.now() + timeoutMs;
  for (let left = groupOf(leader); left.length > 0; left = groupOf(leader)) {
    if (clock.now() > deadline) {
      throw new OperatorError(
        'TIMEOUT',
        `Expected process group ${leader.pid} to end, still alive: ${left.join(', ')}`,
      );
    }
    left.forEach(kill);
    await clock.sleep(LOOK_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended since we looked.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const hasEnded = ({ state }: ProcessStat) => state === 'Z' || state === 'X';

function readStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in brackets and may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', , group, session] = fields;
    return { pid, state, group: Number(group), session: Number(session), startTime: fields[19] ?? '' };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
