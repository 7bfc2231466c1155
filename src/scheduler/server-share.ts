import type { Resource } from '../mesos/types.ts';
import type { NodePorts, NodeReservation } from '../model/node.ts';
import { mustBeReserved, reservedFor } from './claims.ts';
import { choosePorts } from './node-ports.ts';
import { isRootDisk, merged, scalarOf, type Supply } from './resources.ts';
import type { Refusal } from './refusal.ts';
import type { SchedulerSettings } from './settings.ts';
import { claimVolumes, volumeOn, type Candidate } from './volumes.ts';

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

/** Takes a server's share, with that of its executor where that does not run; or says why not, and `supply` is spoilt. */
export function serverShare(supply: Supply, candidate: Candidate): ServerShare | Refusal {
  const { node, settings, newExecutor } = candidate;
  const ports = choosePorts(supply, node, settings);
  // What is missing on the node's own host is in use there: nothing else would have become of it.
  if (typeof ports === 'string') return { reason: ports, final: node.hostname === null };
  const volumes = claimVolumes(supply, candidate);
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
  const create = volumes.missing.flatMap(({ disk, ...volume }) =>
    own([disk]).map((piece) => volumeOn(piece, volume, settings)),
  );
  const share = {
    executor: newExecutor
      ? own([
          ...taken(supply, 'cpus', executor.cpus),
          ...taken(supply, 'mem', executor.memMb),
          ...(settings.volumes ? taken(supply, 'disk', executor.diskMb) : []),
        ])
      : [],
    task: own([
      ...taken(supply, 'cpus', server.cpus),
      ...taken(supply, 'mem', server.memMb),
      ...(settings.volumes ? [] : taken(supply, 'disk', server.diskMb)),
      ...supply.takePorts([...new Set(Object.values(ports))]),
    ]),
  };
  // Not used by this launch: so that a backup can start when the agent is full.
  if (newExecutor && settings.role !== '*') own(takenForStep(supply, step));
  return {
    ports,
    executor: merged([...share.executor, ...volumes.offered, ...create]),
    task: merged(share.task),
    reserve: merged(reserve),
    create,
    reservation: volumes.reservation,
  };
}

/** Takes the share of a job's step: from what is reserved for its node, if it is there. */
export function stepShare(supply: Supply, { step }: SchedulerSettings): Resource[] | Refusal {
  const problem = shortfall(supply, { cpus: step.cpus, mem: step.memMb });
  if (problem !== null) return { reason: problem, final: false };
  return merged(takenForStep(supply, step));
}

function takenForStep(supply: Supply, { cpus, memMb }: SchedulerSettings['step']): Resource[] {
  return [...taken(supply, 'cpus', cpus), ...taken(supply, 'mem', memMb)];
}

function wantedOf(settings: SchedulerSettings, newExecutor: boolean): Record<string, number> {
  const { server, executor, step, role } = settings;
  const parts = [server, ...(newExecutor ? [executor, ...(role === '*' ? [] : [step])] : [])];
  return {
    cpus: parts.reduce((sum, { cpus }) => sum + cpus, 0),
    mem: parts.reduce((sum, { memMb }) => sum + memMb, 0),
    disk: diskBesideVolumes(settings, newExecutor),
  };
}

/**
 * Of the sandbox. Volumes do not count for it, and to a sandbox without any disk of its own Mesos's disk/xfs isolator with
 * --xfs_kill_containers allows nothing at all (its check() takes the missing limit for 0).
 */
function diskBesideVolumes({ server, executor, volumes }: SchedulerSettings, newExecutor: boolean): number {
  if (volumes === null) return server.diskMb;
  return newExecutor ? executor.diskMb : 0;
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
