// An executor as a process: forked into a session of its own, waited for, killed with all that it started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { OperatorError, wrapError } from '../errors.ts';
import type { CommandInfo } from '../mesos/types.ts';
import { identify, isAlive, type ProcessIdentity } from './process-group.ts';

/** Wait status of a process whose end we could not see: it was not our child. */
export const UNKNOWN_STATUS = -1;

export interface Fork {
  identity: ProcessIdentity;
  /** Lets it run its command. Until then it waits, and ends by itself should we die before. */
  release(): void;
  /** Lets it end instead. */
  cancel(): void;
  /** The wait status, as wait(2) has it: exit code × 256, or the signal's number. */
  ended: Promise<number>;
}

/**
 * Starts the command's process in `sandbox`, held back until `release`, so that its pid is on disk before it does
 * anything. Its output goes to the files `stdout` and `stderr`.
 */
export async function fork(command: CommandInfo, sandbox: string, environment: Record<string, string>): Promise<Fork> {
  const stdout = await open(join(sandbox, 'stdout'), 'a');
  const stderr = await open(join(sandbox, 'stderr'), 'a');
  try {
    const child = spawn('/bin/sh', ['-c', 'read -r go && exec "$@" </dev/null', 'sh', ...argumentsOf(command)], {
      cwd: sandbox,
      env: environment,
      detached: true,
      stdio: ['pipe', stdout.fd, stderr.fd],
    });
    const ended = new Promise<number>((resolve) => {
      child.once('exit', (code, signal) => resolve(waitStatus(code, signal)));
    });
    await once(child, 'spawn');
    // An executor outlives us; it must not keep us alive.
    child.unref();
    // A write to a child that was killed meanwhile is no error: its end is told by `ended`.
    child.stdin?.on('error', () => child.stdin?.destroy());
    return {
      identity: identityOf(child.pid),
      release: () => child.stdin?.end('go\n'),
      cancel: () => child.stdin?.destroy(),
      ended,
    };
  } catch (error) {
    throw wrapError('fork executor', error);
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

/** With `shell` (the default) `value` is a shell's script, else a program of which `arguments` are the whole argv. */
function argumentsOf({ shell = true, value = '', arguments: argv = [] }: CommandInfo): string[] {
  return shell ? ['/bin/sh', '-c', value] : [value, ...argv.slice(1)];
}

function identityOf(pid: number | undefined): ProcessIdentity {
  const identity = pid === undefined ? undefined : identify(pid);
  if (!identity) throw new OperatorError('INTERNAL', `Expected the executor's process, found none with pid ${pid}`);
  return identity;
}

function waitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) * 256 : constants.signals[signal];
}

/** How often a process that is not our child is looked at: nobody tells us of its end. Mesos does the same. */
const LOOK_MS = 250;

/** Resolves with UNKNOWN_STATUS when a process that an earlier run of the agent has started is gone. */
export async function adopted(identity: ProcessIdentity, clock: Clock, signal: AbortSignal): Promise<number> {
  while (isAlive(identity)) await clock.sleep(LOOK_MS, signal);
  return UNKNOWN_STATUS;
}
