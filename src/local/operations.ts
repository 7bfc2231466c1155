// RESERVE, UNRESERVE, CREATE and DESTROY: what they turn into what, and what Mesos 1.12 says to those that cannot be.
// Pure; a master decides by it what is offered next, its agent by the same what lies on its disk.
import type { OfferOperation, Resource } from '../mesos/types.ts';
import { describe, describeOne } from './resource-text.ts';
import {
  add,
  contains,
  isDynamicallyReserved,
  isVolume,
  reservationRole,
  subtract,
  withoutReservation,
  withoutVolume,
} from './resources.ts';
import { isValidId } from './task-validation.ts';

/** An operation that changes what an agent's resources are. */
export type ResourceOperation = Exclude<OfferOperation, { type: 'LAUNCH' }>;

export interface OperationContext {
  /** Of the accepted offers. */
  role: string;
  /** Of the framework. */
  roles: readonly string[];
  principal: string | undefined;
  /** All that is there on the agent, also what is in use. */
  total: readonly Resource[];
  /** What executors and tasks hold. */
  used: readonly Resource[];
}

/** What the operation is about. */
export function resourcesOf(operation: ResourceOperation): readonly Resource[] {
  if (operation.type === 'RESERVE') return operation.reserve.resources;
  if (operation.type === 'UNRESERVE') return operation.unreserve.resources;
  return operation.type === 'CREATE' ? operation.create.volumes : operation.destroy.volumes;
}

/** The same operation on other resources. */
export function withResources(operation: ResourceOperation, resources: Resource[]): ResourceOperation {
  if (operation.type === 'RESERVE') return { ...operation, reserve: { resources } };
  if (operation.type === 'UNRESERVE') return { ...operation, unreserve: { resources } };
  if (operation.type === 'CREATE') return { ...operation, create: { volumes: resources } };
  return { ...operation, destroy: { volumes: resources } };
}

/** The resources after the operation, or why it does not fit them. */
export function convert(resources: readonly Resource[], operation: ResourceOperation): Resource[] | string {
  let result = [...resources];
  for (const resource of resourcesOf(operation)) {
    const [consumed, converted] = conversion(operation.type, resource);
    if (!contains(result, [consumed])) {
      const role = resource.allocationInfo;
      const have = role ? result.map((part) => ({ ...part, allocationInfo: role })) : result;
      return `${describe(have)} does not contain ${describeOne(consumed)}`;
    }
    result = add(subtract(result, [consumed]), [converted]);
  }
  return result;
}

function conversion(type: ResourceOperation['type'], resource: Resource): [consumed: Resource, converted: Resource] {
  const bare = type === 'RESERVE' || type === 'UNRESERVE' ? withoutReservation(resource) : withoutVolume(resource);
  return type === 'RESERVE' || type === 'CREATE' ? [bare, resource] : [resource, bare];
}

/** Why a framework may not do that; `undefined` when it may. */
export function operationError(operation: ResourceOperation, context: OperationContext): string | undefined {
  const resources = resourcesOf(operation);
  const invalid = firstOf(resources, resourceError);
  if (invalid !== undefined) return `Invalid resources: ${invalid}`;
  if (operation.type === 'RESERVE') return firstOf(resources, (resource) => reserveError(resource, context));
  if (operation.type === 'UNRESERVE') return firstOf(resources, unreserveError);
  const fault = volumesError(resources);
  if (fault !== undefined) return fault;
  return operation.type === 'CREATE' ? createError(resources, context) : destroyError(resources, context);
}

/** Ids become folders, and `*` is nobody's own. */
function resourceError({ reservations = [], disk }: Resource): string | undefined {
  if (reservations.some(({ role }) => role === '*')) return 'Invalid reservation: role "*" cannot be reserved';
  const id = disk?.persistence?.id;
  if (id === undefined || isValidId(id)) return undefined;
  return `Invalid persistence ID for persistent volume: '${id}' contains invalid characters`;
}

function reserveError(resource: Resource, { role, roles, principal }: OperationContext): string | undefined {
  if (!isDynamicallyReserved(resource)) return `Resource ${describeOne(resource)} is not dynamically reserved`;
  const attempted = 'A reserve operation was attempted';
  const owner = resource.reservations?.at(-1)?.principal;
  if (principal !== undefined && owner === undefined) {
    return `${attempted} by principal '${principal}', but there is a reserved resource in the request with no principal set`;
  }
  if (principal !== undefined && owner !== principal) {
    return (
      `${attempted} by authenticated principal '${principal}', which does not match a reserved resource in the ` +
      `request with principal '${owner}'`
    );
  }
  if (reservationRole(resource) !== role) {
    return (
      `${attempted} for a resource with role '${reservationRole(resource)}', but the resource was allocated to role ` +
      `'${role}'`
    );
  }
  if (roles.includes(role)) return undefined;
  return `${attempted} for a resource allocated to role '${role}', but the framework only has roles '{ ${roles.join(', ')} }'`;
}

function unreserveError(resource: Resource): string | undefined {
  if (!isDynamicallyReserved(resource)) return `Resource ${describeOne(resource)} is not dynamically reserved`;
  if (!isVolume(resource)) return undefined;
  return (
    `A dynamically reserved persistent volume ${describeOne(resource)} cannot be unreserved directly. Please destroy ` +
    'the persistent volume first then unreserve the resource'
  );
}

function volumesError(volumes: readonly Resource[]): string | undefined {
  const fault = firstOf(volumes, (volume) => {
    if (!volume.disk) return `Resource ${describeOne(volume)} does not have DiskInfo`;
    if (!volume.disk.persistence) return "'persistence' is not set in DiskInfo";
    if (!volume.disk.volume) return "Expecting 'volume' to be set for persistent volume";
    return volume.disk.volume.mode === 'RO' ? 'Read-only persistent volume not supported' : undefined;
  });
  return fault && `Not a persistent volume: ${fault}`;
}

function createError(volumes: readonly Resource[], { total, principal }: OperationContext): string | undefined {
  const ids = [...total.filter(isVolume), ...volumes].map((volume) => ({
    key: JSON.stringify([reservationRole(volume), volume.disk?.persistence?.id]),
    id: volume.disk?.persistence?.id,
  }));
  const twice = ids.find(({ key }, index) => ids.findIndex((other) => other.key === key) !== index);
  if (twice) return `Persistence ID '${twice.id}' is not unique`;
  if (principal === undefined) return undefined;
  const attempted = 'Create volume operation attempted by';
  return firstOf(volumes, ({ disk }) => {
    const owner = disk?.persistence?.principal;
    if (owner === principal) return undefined;
    if (owner !== undefined) {
      return (
        `${attempted} authenticated principal '${principal}', which does not match a volume in the operation with ` +
        `principal '${owner}' set in 'disk.persistence'`
      );
    }
    return `${attempted} principal '${principal}', but there is a volume in the operation with no principal set in 'disk.persistence'`;
  });
}

function destroyError(volumes: readonly Resource[], { total, used }: OperationContext): string | undefined {
  if (volumes.some((volume) => !contains(total, [volume]))) return 'Persistent volumes not found';
  return volumes.some((volume) => contains(used, [volume])) ? 'Persistent volumes in use' : undefined;
}

function firstOf<T>(items: readonly T[], fault: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = fault(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
