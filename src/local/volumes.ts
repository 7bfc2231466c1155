// Persistent volumes are directories: in the agent's work directory, or on a disk of their own.
import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { wrapError } from '../errors.ts';
import type { Resource } from '../mesos/types.ts';
import { isVolume, reservationRole } from './resources.ts';

/** Where a volume's files are: on a mounted disk its root itself, else a folder for role and id. */
export function volumePath(workDirectory: string, volume: Resource): string {
  const { source, persistence } = volume.disk ?? {};
  const root = resolve(workDirectory, source?.mount?.root ?? source?.path?.root ?? '.');
  if (source?.type === 'MOUNT') return root;
  // A role's name may hold slashes, and no blanks.
  return join(root, 'volumes', 'roles', reservationRole(volume).replaceAll('/', ' '), persistence?.id ?? '');
}

export async function createVolume(workDirectory: string, volume: Resource): Promise<void> {
  await mkdir(volumePath(workDirectory, volume), { recursive: true });
}

/** Deletes all that is on it. A mounted disk itself stays. */
export async function destroyVolume(workDirectory: string, volume: Resource): Promise<void> {
  const path = volumePath(workDirectory, volume);
  try {
    const whole = volume.disk?.source?.type !== 'MOUNT';
    const entries = whole ? [path] : (await readdir(path)).map((name) => join(path, name));
    for (const entry of entries) await rm(entry, { recursive: true, force: true });
  } catch (error) {
    throw wrapError(`destroy volume ${path}`, error);
  }
}

/**
 * Makes the volumes among the resources appear in a sandbox, by symbolic links as Mesos's posix isolation does. A
 * container path with a slash in it is left out, as there.
 */
export function linkVolumes(workDirectory: string, sandbox: string, resources: readonly Resource[]): void {
  for (const volume of resources.filter(isVolume)) {
    const link = linkOf(sandbox, volume);
    const target = volumePath(workDirectory, volume);
    if (link !== undefined && linkTarget(link) !== target) symlinkSync(target, link);
  }
}

/** The volumes go away from the sandbox; what is on them stays. */
export function unlinkVolumes(sandbox: string, resources: readonly Resource[]): void {
  for (const volume of resources.filter(isVolume)) {
    const link = linkOf(sandbox, volume);
    if (link !== undefined && linkTarget(link) !== undefined) rmSync(link);
  }
}

function linkOf(sandbox: string, { disk }: Resource): string | undefined {
  const path = disk?.volume?.containerPath ?? '';
  return path === '' || path === '..' || path.includes('/') ? undefined : join(sandbox, path);
}

function linkTarget(link: string): string | undefined {
  const entry = lstatSync(link, { throwIfNoEntry: false });
  return entry?.isSymbolicLink() ? readlinkSync(link) : undefined;
}
