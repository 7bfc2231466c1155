import type { Resource } from '../mesos/types.ts';
import type { ClusterNode, NodePorts, NodeReservation } from '../model/node.ts';
import { mustBeReserved, reservedFor, volumeId } from './claims.ts';
import { choosePorts } from './node-ports.ts';
import { isRootDisk, merged, scalarOf, type Supply } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

/** Why something is not launched on an offer. */
export interface Refusal {
  reason: string;
  /** No later offer of this agent will do either. */
  final: boolean;
}

/** What a server's launch takes of an offer. */
export interface ServerShare {
  ports: NodePorts;
  /** Of the executor, its volumes included; empty when it runs. */
  executor: Resource[];
  task: Resource[];
  /** To be reserved before, and volumes to be made before. */
  reserve: Resource[];
  create: Resource[];
  reservation: NodeReservation | null;
}

interface Launch {
  node: ClusterNode;
  settings: SchedulerSettings;
  newExecutor: boolean;
  /** The node's volumes that are offered. */
  volumes: readonly Resource[];
}

/** Takes a server's share, with that of its executor where that does not run; or says why not, and `supply` is spoilt. */
export function serverShare(supply: Supply, launch: Launch): ServerShare | Refusal {
  const { node, settings, newExecutor } = launch;
  const ports = choosePorts(supply, node, settings);
  // What is missing on the node's own host is in use there: nothing else would have become of it.
  if (typeof ports === 'string') return { reason: ports, final: node.hostname === null };
  const volumes = newExecutor && settings.volumes ? claimVolumes(supply, launch, settings.volumes) : NO_VOLUMES;
  if ('reason' in volumes) return volumes;
  const problem = shortfall(supply, wantedOf(settings, newExecutor));
  if (problem !== null) return { reason: problem, final: false };

  const reserve: Resource[] = [];
  const own = (pieces: readonly Resource[]): Resource[] =>
    pieces.map((piece) => {
      if (!mustBeReserved(piece, settings)) return piece;
      const reserved = reservedFor(node.executorId, piece, settings);
      reserve.push(reserved);
      return reserved;
    });
  const { executor, server, step } = settings;
  const create = own(volumes.disks.map(({ disk }) => disk)).map((disk, index) =>
    volumeOn(disk, volumes.disks[index] as NewVolume, settings),
  );
  const share = {
    executor: newExecutor
      ? own([...taken(supply, 'cpus', executor.cpus), ...taken(supply, 'mem', executor.memMb)])
      : [],
    task: own([
      ...taken(supply, 'cpus', server.cpus),
      ...taken(supply, 'mem', server.memMb),
      ...(settings.volumes ? [] : taken(supply, 'disk', server.diskMb)),
      ...supply.takePorts([...new Set(Object.values(ports))]),
    ]),
  };
  // Not used by this launch: so that a backup can start when the agent is full.
  if (newExecutor && settings.role !== '*')
    own([...taken(supply, 'cpus', step.cpus), ...taken(supply, 'mem', step.memMb)]);
  return {
    ports,
    executor: merged([...share.executor, ...volumes.offered, ...create]),
    task: merged(share.task),
    reserve: merged(reserve),
    create,
    reservation: newExecutor ? volumes.reservation : node.reservation,
  };
}

/** Takes the share of a job's step: from what is reserved for its node, if it is there. */
export function stepShare(supply: Supply, { step }: SchedulerSettings): Resource[] | Refusal {
  const problem = shortfall(supply, { cpus: step.cpus, mem: step.memMb });
  if (problem !== null) return { reason: problem, final: false };
  return merged([...taken(supply, 'cpus', step.cpus), ...taken(supply, 'mem', step.memMb)]);
}

function wantedOf(settings: SchedulerSettings, newExecutor: boolean): Record<string, number> {
  const { server, executor, step, role, volumes } = settings;
  const parts = [server, ...(newExecutor ? [executor, ...(role === '*' ? [] : [step])] : [])];
  return {
    cpus: parts.reduce((sum, { cpus }) => sum + cpus, 0),
    mem: parts.reduce((sum, { memMb }) => sum + memMb, 0),
    disk: volumes ? 0 : server.diskMb,
  };
}

/** Data go to the root disk unless they have volumes: path and mount disks are for those. */
const mayHold = (part: Resource): boolean => part.name !== 'disk' || isRootDisk(part);

/** What is missing; null when all is there. */
function shortfall(supply: Supply, wanted: Record<string, number>): string | null {
  const short = Object.entries(wanted).flatMap(([name, value]) => {
    const offered = scalarOf(supply.parts.filter(mayHold), name);
    const needed = Math.round(value * 1000) / 1000;
    return offered < needed ? [`needs ${needed} ${name}, offered ${offered}`] : [];
  });
  return short.length === 0 ? null : short.join('; ');
}

function taken(supply: Supply, name: string, value: number): Resource[] {
  const pieces = supply.take(name, value, mayHold);
  if (pieces === null) throw new RangeError(`expected ${value} ${name} in the offer after its sums were checked`);
  return pieces;
}

interface NewVolume {
  id: string;
  containerPath: string;
  disk: Resource;
}

interface Volumes {
  offered: readonly Resource[];
  disks: NewVolume[];
  reservation: NodeReservation | null;
}

const NO_VOLUMES: Volumes = { offered: [], disks: [], reservation: null };

/** The node's volumes that are offered, and disks for those that have to be made. */
function claimVolumes(
  supply: Supply,
  { node, settings, volumes: offered }: Launch,
  { type, count }: NonNullable<SchedulerSettings['volumes']>,
): Volumes | Refusal {
  const { executorId, reservation, bootstrapped } = node;
  if (bootstrapped && reservation === null) {
    const reason = `has data from a time without --role ${settings.role}, which are on no volume: go back to --role '*', or replace the node`;
    return { reason, final: true };
  }
  const wanted = reservation?.volumes ?? newVolumes(executorId, count);
  const ids = new Set(offered.map(({ disk }) => disk?.persistence?.id));
  const missing = wanted.filter(({ id }) => !ids.has(id));
  if (missing.length > 0 && (bootstrapped || reservation?.made)) {
    return { reason: `its data are on ${missing.map(({ id }) => id).join(' and ')}, not in this offer`, final: false };
  }
  const disks: NewVolume[] = [];
  for (const volume of missing) {
    const disk = takeDisk(supply, type, settings.server.diskMb, disks);
    if (disk === null) {
      const reason = `needs ${count} ${type.toLowerCase()} disk${count === 1 ? '' : 's'} with ${settings.server.diskMb} MiB each for its volumes, offered ${disks.length}`;
      return { reason, final: false };
    }
    disks.push({ ...volume, disk });
  }
  return {
    offered: offered.filter(({ disk }) => wanted.some(({ id }) => id === disk?.persistence?.id)),
    disks,
    reservation: { volumes: wanted, made: missing.length === 0 },
  };
}

function newVolumes(executorId: string, count: number): NodeReservation['volumes'] {
  return Array.from({ length: count }, (_, index) => ({
    id: volumeId(executorId, index),
    containerPath: `data-${index}`,
  }));
}

/** A mount disk is taken whole. Paths that have no volume of the node yet come first. */
function takeDisk(
  supply: Supply,
  type: 'ROOT' | 'PATH' | 'MOUNT',
  sizeMb: number,
  before: NewVolume[],
): Resource | null {
  const rootOf = ({ disk }: Resource): string | undefined => disk?.source?.path?.root;
  const fits = (part: Resource): boolean =>
    part.name === 'disk' && (part.scalar?.value ?? 0) >= sizeMb && (part.disk?.source?.type ?? 'ROOT') === type;
  const isNew = (part: Resource): boolean => !before.some(({ disk }) => rootOf(disk) === rootOf(part));
  if (type === 'MOUNT') return supply.takePart(null, fits);
  return supply.takePart(sizeMb, (part) => fits(part) && isNew(part)) ?? supply.takePart(sizeMb, fits);
}

function volumeOn(disk: Resource, { id, containerPath }: NewVolume, { principal }: SchedulerSettings): Resource {
  const persistence = { id, ...(principal === null ? {} : { principal }) };
  return { ...disk, disk: { ...disk.disk, persistence, volume: { containerPath, mode: 'RW' } } };
}
