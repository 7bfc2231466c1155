import { readdirSync, readFileSync } from 'node:fs';
import { groupOf, identify, isAlive, type ProcessIdentity } from '../../src/local/process-group.ts';

/** The process of that pid; it must be there. */
export function processOf(pid: number): ProcessIdentity {
  const found = identify(pid);
  if (!found) throw new Error(`expected a process with pid ${pid}`);
  return found;
}

/** The executor's process of a framework that has one. */
export function executorOf(frameworkId: string): ProcessIdentity {
  const leader = processesOf(frameworkId).find((candidate) => groupOf(candidate).includes(candidate.pid));
  if (!leader) throw new Error(`expected an executor of framework ${frameworkId}`);
  return leader;
}

/** All living processes that were started by a framework's executors, themselves included. */
export function processesOf(frameworkId: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid)['MESOS_FRAMEWORK_ID'] === frameworkId)
    .map((pid) => identify(pid))
    .filter((found) => found !== undefined && isAlive(found)) as ProcessIdentity[];
}

/** Empty for one that is not ours to read, or gone. */
export function environmentOf(pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return {};
    throw error;
  }
}
