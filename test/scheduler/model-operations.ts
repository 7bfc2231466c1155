import type { OfferOperation, Resource } from '../../src/mesos/types.ts';

export type Operation = Exclude<OfferOperation, { type: 'LAUNCH' }>;

/** What an operation takes, and what it makes of it. */
export function changeOf(operation: Operation): [Resource[], Resource[]] {
  switch (operation.type) {
    case 'RESERVE':
      return [operation.reserve.resources.map(unreserved), operation.reserve.resources];
    case 'UNRESERVE':
      return [operation.unreserve.resources, operation.unreserve.resources.map(unreserved)];
    case 'CREATE':
      return [operation.create.volumes.map(plain), operation.create.volumes];
    default:
      return [operation.destroy.volumes, operation.destroy.volumes.map(plain)];
  }
}

function unreserved(resource: Resource): Resource {
  return { ...resource, reservations: (resource.reservations ?? []).slice(0, -1) };
}

function plain({ disk, ...resource }: Resource): Resource {
  return disk?.source ? { ...resource, disk: { source: disk.source } } : resource;
}
