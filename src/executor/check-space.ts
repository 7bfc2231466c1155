import { lstat, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperatorError } from '../errors.ts';
import { freeBytes } from '../storage/storage-errors.ts';
import { unlessMissing } from './local-files.ts';
import type { FileToStage } from './staged-files.ts';
import type { StepContext } from './step-context.ts';

/**
 * Looks whether the files that are to be staged have room; those that an earlier try staged are there already. Data
 * directories on the same file system share its room. Throws NO_SPACE.
 */
export async function checkSpace(
  { stagingDirectories }: Pick<StepContext, 'stagingDirectories'>,
  files: readonly FileToStage[],
): Promise<{ bytesNeeded: number; bytesFree: number }> {
  const systems = new Map<number, { directory: string; needed: number; free: number | null }>();
  for (const directory of stagingDirectories) {
    await mkdir(directory, { recursive: true });
    const { dev } = await stat(directory);
    const system = systems.get(dev) ?? { directory, needed: 0, free: await freeBytes(directory) };
    systems.set(dev, system);
    for (const { target, size } of files) {
      if (!target.startsWith(`${directory}/`)) continue;
      const there = await unlessMissing(lstat(target), null);
      if (there?.size !== size) system.needed += size;
    }
  }
  for (const { directory, needed, free } of systems.values()) {
    if (free === null || needed <= free) continue;
    throw new OperatorError(
      'NO_SPACE',
      `the restore needs ${needed} bytes in ${dirname(directory)}, ${free} bytes are free there`,
      { hint: 'Make room, for example by clearing old snapshots (nodetool listsnapshots).' },
    );
  }
  const all = [...systems.values()];
  return {
    bytesNeeded: all.reduce((sum, { needed }) => sum + needed, 0),
    bytesFree: all.reduce((sum, { free }) => sum + (free ?? 0), 0),
  };
}
