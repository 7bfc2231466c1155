// What a node holds on its agent beyond the life of its tasks: the operations that make it and give it back, and what
// their outcomes mean for the node.
import type { Offer, OfferOperation, OperationStatus, Resource, TaskInfo } from '../mesos/types.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import { isReservedFor, ownOf, volumeIdOf } from './claims.ts';
import { merged } from './resources.ts';

export type Operation = 'reserve' | 'create' | 'destroy' | 'unreserve';

/** `<executorId>.<launches>.<operation>`: no two of a node's operations share one. */
export function operationId({ executorId, launches }: ClusterNode, operation: Operation): string {
  return `${executorId}.${launches}.${operation}`;
}

/** Null for ids that are not ours. */
export function parseOperationId(id: string): { executorId: string; launches: number; operation: Operation } | null {
  const [, executorId, launches, operation] = /^(.+)\.(\d+)\.(reserve|create|destroy|unreserve)$/.exec(id) ?? [];
  if (executorId === undefined) return null;
  return { executorId, launches: Number(launches), operation: operation as Operation };
}

/** For the ACCEPT of a launch, in their order: each works on what the one before has made. */
export function launchOperations(
  node: ClusterNode,
  { reserve, create }: { reserve: Resource[]; create: Resource[] },
  taskInfos: TaskInfo[],
): OfferOperation[] {
  return [
    ...(reserve.length === 0
      ? []
      : [{ type: 'RESERVE' as const, id: { value: operationId(node, 'reserve') }, reserve: { resources: reserve } }]),
    ...(create.length === 0
      ? []
      : [{ type: 'CREATE' as const, id: { value: operationId(node, 'create') }, create: { volumes: create } }]),
    { type: 'LAUNCH', launch: { taskInfos } },
  ];
}

/** What is to be given back of a node that left the ring. */
export interface Release {
  node: ClusterNode;
  destroy: Resource[];
  unreserve: Resource[];
}

/** True for a node whose volumes and reservation are to go when its agent offers them. */
export function isToBeReleased(node: ClusterNode): boolean {
  return !isMember(node) && node.deleteData && node.serverState === 'NONE' && node.reservation !== null;
}

/** Only what carries the node's own name is destroyed, and only what we have reserved is given back. */
export function releaseOf(node: ClusterNode, offer: Pick<Offer, 'resources'>): Release {
  const own = ownOf(node.executorId, offer);
  const destroy = own.filter((resource) => volumeIdOf(resource) !== null);
  const unreserve = own.filter((resource) => isReservedFor(node.executorId, resource)).map(diskBelow);
  return { node, destroy, unreserve: merged(unreserve) };
}

/** The node without what is being destroyed of it. */
export function withoutVolumes(node: ClusterNode, destroyed: Resource[]): ClusterNode {
  if (node.reservation === null) return node;
  const ids = new Set(destroyed.map(volumeIdOf));
  const volumes = node.reservation.volumes.filter(({ id }) => !ids.has(id));
  return { ...node, reservation: { ...node.reservation, volumes } };
}

/** The disk below a volume. */
function diskBelow(resource: Resource): Resource {
  if (volumeIdOf(resource) === null) return resource;
  const { disk, ...rest } = resource;
  return disk?.source ? { ...rest, disk: { source: disk.source } } : rest;
}

export function releaseOperations(node: ClusterNode, { destroy, unreserve }: Release): OfferOperation[] {
  return [
    ...(destroy.length === 0
      ? []
      : [{ type: 'DESTROY' as const, id: { value: operationId(node, 'destroy') }, destroy: { volumes: destroy } }]),
    ...(unreserve.length === 0
      ? []
      : [
          {
            type: 'UNRESERVE' as const,
            id: { value: operationId(node, 'unreserve') },
            unreserve: { resources: unreserve },
          },
        ]),
  ];
}

const REFUSED = new Set(['OPERATION_FAILED', 'OPERATION_ERROR', 'OPERATION_DROPPED']);

/**
 * What the outcome of an operation means for its node; the same node when nothing. A node that could not be given its
 * share by its present launch, and has no data yet, gives up its place: it may go elsewhere. A node that has given
 * everything back has no reservation any more.
 */
export function onOperationStatus(node: ClusterNode, status: OperationStatus): ClusterNode {
  const id = parseOperationId(status.operationId?.value ?? '');
  const isPresent = id?.executorId === node.executorId && id.launches === node.launches;
  if (!isPresent || node.reservation === null) return node;
  const { operation } = id;
  if (status.state === 'OPERATION_FINISHED') {
    if (operation === 'create') return volumesMade(node);
    const isLast = operation === 'unreserve' && node.reservation.volumes.length === 0;
    return isLast && isToBeReleased(node) ? { ...node, reservation: null } : node;
  }
  const isLaunch = operation === 'reserve' || operation === 'create';
  return isLaunch && REFUSED.has(status.state) ? withoutPlace(node, status.message) : node;
}

/** An offer that holds all of the node's volumes proves that they were made. */
export function seenInOffer(node: ClusterNode, offer: Pick<Offer, 'resources'>): ClusterNode {
  if (node.reservation === null || node.reservation.made) return node;
  const ids = new Set(offer.resources.map(volumeIdOf));
  return node.reservation.volumes.every(({ id }) => ids.has(id)) ? volumesMade(node) : node;
}

/** The agent has said so, or shown them, or a task has started on them. */
export function volumesMade(node: ClusterNode): ClusterNode {
  if (node.reservation === null || node.reservation.made) return node;
  return { ...node, reservation: { ...node.reservation, made: true } };
}

function withoutPlace(node: ClusterNode, message = 'no reason given'): ClusterNode {
  // Where a server lives, or lived, the share was there.
  const mayHaveData = node.bootstrapped || node.reservation?.made === true;
  if (mayHaveData || (node.serverState !== 'NONE' && node.serverState !== 'LAUNCHING')) return node;
  return {
    ...node,
    agentId: null,
    hostname: null,
    ip: null,
    ports: null,
    executorInfo: null,
    datacenter: null,
    rack: null,
    attributes: {},
    reservation: null,
    lastError: `${node.hostname ?? 'its agent'} did not give it its share: ${message}`,
  };
}
