import { rounded, type Figures, type Result } from './results.ts';
import { statusField, type BenchRing } from './ring.ts';

const MIB_OF_KB = 1 / 1024;

/** Peak memory of the program's two processes since their start. */
export function measureMemory(ring: BenchRing, gib: number[]): Result {
  const pids = { executor: ring.executorPid, scheduler: ring.schedulerPid };
  const peak = (field: string): Figures =>
    Object.fromEntries(
      Object.entries(pids).map(([name, pid]) => [
        `${name} (MiB)`,
        rounded(Number(statusField(pid, field)) * MIB_OF_KB, 1),
      ]),
    );
  const title = 'Peak memory (VmHWM) over all backups and restores before; aim: executor below 200 MB';
  return { name: 'memory', title, settings: { gib }, rows: [peak('VmRSS')], summary: peak('VmHWM') };
}
