// Whose the resources of an offer are: a node's own (by our label, or by its volumes' ids), another node's, or free.
import type { Offer, Reservation, Resource } from '../mesos/types.ts';
import { Supply } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

/** Label of everything that is reserved for one node; its value is the node's executor id. */
const LABEL = 'cassandra-mesos.executor';

const VOLUME_ID = /^(.+\.executor)\.data-\d+$/;

export function volumeId(executorId: string, index: number): string {
  return `${executorId}.data-${index}`;
}

/** Persistence id of a volume; null for all other resources. */
export function volumeIdOf({ disk }: Resource): string | null {
  return disk?.persistence?.id ?? null;
}

/** Executor id that a resource is reserved for, or whose volume it is. Null: nobody's. */
export function holderOf(resource: Resource): string | null {
  return labelOf(resource.reservations?.at(-1)) ?? VOLUME_ID.exec(volumeIdOf(resource) ?? '')?.[1] ?? null;
}

function labelOf(reservation: Reservation | undefined): string | null {
  return reservation?.labels?.labels.find(({ key }) => key === LABEL)?.value ?? null;
}

/** True for what UNRESERVE may give back: it was reserved by us for this node. */
export function isReservedFor(executorId: string, { reservations }: Resource): boolean {
  return labelOf(reservations?.at(-1)) === executorId;
}

/** What the offer holds of the node, volumes included. */
export function ownOf(executorId: string, { resources }: Pick<Offer, 'resources'>): Resource[] {
  return resources.filter((resource) => holderOf(resource) === executorId);
}

/**
 * What a node may take: its own first, then what is reserved for the role, then what is not reserved. Never what
 * another node holds, anybody's volume, what another framework of the role has labelled, what can be revoked or shared,
 * or what a resource provider manages.
 */
export function supplyFor(executorId: string, { resources }: Pick<Offer, 'resources'>): Supply {
  const ranked = resources.filter(mayTake).flatMap((resource) => {
    const holder = holderOf(resource);
    if (holder !== null && holder !== executorId) return [];
    return [{ resource, rank: rankOf(resource, holder) }];
  });
  return new Supply(ranked.toSorted((a, b) => a.rank - b.rank).map(({ resource }) => resource));
}

function mayTake(resource: Resource): boolean {
  const { revocable, shared, providerId } = resource;
  return volumeIdOf(resource) === null && !isLabelledByOthers(resource) && !revocable && !shared && !providerId;
}

/** Frameworks know their reservations by labels, as we do. What operators reserve for a role has none. */
function isLabelledByOthers({ reservations }: Resource): boolean {
  const last = reservations?.at(-1);
  return (last?.labels?.labels ?? []).length > 0 && labelOf(last) === null;
}

function rankOf(resource: Resource, holder: string | null): number {
  if (holder !== null) return 0;
  return isReserved(resource) ? 1 : 2;
}

function isReserved({ reservations = [] }: Resource): boolean {
  return reservations.length > 0;
}

/** True when the node must reserve a piece before it may count on it: only with a role, which reservations are for. */
export function mustBeReserved(piece: Resource, { role }: Pick<SchedulerSettings, 'role'>): boolean {
  return role !== '*' && !isReserved(piece);
}

/** The piece as it is once RESERVE has made it the node's. */
export function reservedFor(
  executorId: string,
  piece: Resource,
  { role, principal }: Pick<SchedulerSettings, 'role' | 'principal'>,
): Resource {
  const reservation: Reservation = {
    type: 'DYNAMIC',
    role,
    ...(principal === null ? {} : { principal }),
    labels: { labels: [{ key: LABEL, value: executorId }] },
  };
  return { ...piece, reservations: [...(piece.reservations ?? []), reservation] };
}
