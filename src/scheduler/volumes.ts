import type { Resource } from '../mesos/types.ts';
import type { ClusterNode, NodeReservation } from '../model/node.ts';
import { volumeId, volumeIdOf } from './claims.ts';
import type { Refusal } from './refusal.ts';
import type { Supply } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

/** A server that is to be launched on an offer. */
export interface Candidate {
  node: ClusterNode;
  settings: SchedulerSettings;
  newExecutor: boolean;
  /** The node's volumes that are offered. */
  volumes: readonly Resource[];
}

type Volume = NodeReservation['volumes'][number];

/** The volumes that a node is started on. */
interface Claim {
  offered: readonly Resource[];
  /** To be made, each on a disk that was taken for it. */
  missing: (Volume & { disk: Resource })[];
  reservation: NodeReservation | null;
}

/** The node's volumes that are offered, and disks for those that have to be made; or why there are none. */
export function claimVolumes(supply: Supply, candidate: Candidate): Claim | Refusal {
  const { node, settings, newExecutor, volumes: offered } = candidate;
  const { executorId, reservation, bootstrapped } = node;
  // The executor that runs has them.
  if (!newExecutor) return { offered: [], missing: [], reservation };
  if (settings.volumes === null && reservation === null) return { offered: [], missing: [], reservation: null };
  if (bootstrapped && reservation === null) {
    const reason = `has data from a time without --role ${settings.role}, which are on no volume: go back to --role '*', or replace the node`;
    return { reason, final: true };
  }
  const wanted = reservation?.volumes ?? newVolumes(executorId, settings.volumes?.count ?? 0);
  const ids = new Set(offered.map(volumeIdOf));
  const absent = wanted.filter(({ id }) => !ids.has(id));
  if (absent.length > 0 && (bootstrapped || reservation?.made)) {
    return { reason: `its volumes are not offered: ${absent.map(({ id }) => id).join(', ')}`, final: false };
  }
  const missing = takeDisks(supply, absent, settings);
  if ('reason' in missing) return missing;
  return {
    offered: offered.filter((volume) => wanted.some(({ id }) => id === volumeIdOf(volume))),
    missing,
    reservation: { volumes: wanted, made: absent.length === 0 },
  };
}

function newVolumes(executorId: string, count: number): Volume[] {
  return Array.from({ length: count }, (_, index) => ({
    id: volumeId(executorId, index),
    containerPath: `data-${index}`,
  }));
}

function takeDisks(supply: Supply, volumes: Volume[], settings: SchedulerSettings): Claim['missing'] | Refusal {
  const { type } = settings.volumes ?? { type: 'ROOT' as const };
  const sizeMb = settings.server.diskMb;
  const taken: Claim['missing'] = [];
  for (const volume of volumes) {
    const disk = takeDisk(supply, type, sizeMb, taken);
    if (disk === null) {
      const plural = volumes.length === 1 ? '' : 's';
      const needs = `needs ${volumes.length} ${type.toLowerCase()} disk${plural} of ${sizeMb} MiB for its volumes`;
      return { reason: `${needs}, offered ${taken.length}`, final: false };
    }
    taken.push({ ...volume, disk });
  }
  return taken;
}

/** A mount disk is taken whole. Paths that have no volume of the node yet come first. */
function takeDisk(
  supply: Supply,
  type: 'ROOT' | 'PATH' | 'MOUNT',
  sizeMb: number,
  before: { disk: Resource }[],
): Resource | null {
  const fits = (part: Resource): boolean =>
    part.name === 'disk' && (part.scalar?.value ?? 0) >= sizeMb && (part.disk?.source?.type ?? 'ROOT') === type;
  const isNew = (part: Resource): boolean => !before.some(({ disk }) => pathOf(disk) === pathOf(part));
  if (type === 'MOUNT') return supply.takePart(null, fits);
  return supply.takePart(sizeMb, (part) => fits(part) && isNew(part)) ?? supply.takePart(sizeMb, fits);
}

function pathOf({ disk }: Resource): string | undefined {
  return disk?.source?.path?.root;
}

/** The volume that CREATE makes of a disk. */
export function volumeOn(
  disk: Resource,
  { id, containerPath }: Volume,
  { principal }: Pick<SchedulerSettings, 'principal'>,
): Resource {
  const persistence = { id, ...(principal === null ? {} : { principal }) };
  return { ...disk, disk: { ...disk.disk, persistence, volume: { containerPath, mode: 'RW' } } };
}
