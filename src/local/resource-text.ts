// Resources as Mesos 1.12 writes them in its messages.
import type { DiskInfo, Reservation, Resource } from '../mesos/types.ts';
import { toThousandths } from './resources.ts';

/** `ports(allocated: *):[31000-32000]; cpus(allocated: *):4`, each with its reservations and volume. */
export function describe(resources: readonly Resource[]): string {
  return resources.length === 0 ? '{}' : resources.map(describeOne).join('; ');
}

/** `cpus(allocated: cassandra)(reservations: [(DYNAMIC,cassandra,{node: n0})]):0.4`. */
export function describeOne(resource: Resource): string {
  const { name, allocationInfo, reservations = [], disk, revocable, shared } = resource;
  return [
    name,
    allocationInfo ? `(allocated: ${allocationInfo.role ?? ''})` : '',
    reservations.length > 0 ? `(reservations: [${reservations.map(describeReservation).join(',')}])` : '',
    disk ? `[${describeDisk(disk)}]` : '',
    revocable ? '{REV}' : '',
    shared ? '<SHARED>' : '',
    `:${describeValue(resource)}`,
  ].join('');
}

function describeReservation({ type = 'UNKNOWN', role = '', principal, labels }: Reservation): string {
  const pairs = labels?.labels.map(({ key, value }) => (value === undefined ? key : `${key}: ${value}`));
  const parts = [
    type,
    role,
    ...(principal === undefined ? [] : [principal]),
    ...(pairs ? [`{${pairs.join(', ')}}`] : []),
  ];
  return `(${parts.join(',')})`;
}

function describeDisk({ source, persistence, volume }: DiskInfo): string {
  const root = source?.mount?.root ?? source?.path?.root;
  const from = source ? [`${source.type}${root === undefined ? '' : `:${root}`}`] : [];
  const place = volume?.hostPath === undefined ? '' : `${volume.hostPath}:`;
  const mode = volume?.hostPath === undefined ? '' : `:${volume.mode.toLowerCase()}`;
  const mounted = volume ? `:${place}${volume.containerPath}${mode}` : '';
  return `${[...from, ...(persistence ? [persistence.id] : [])].join(',')}${mounted}`;
}

function describeValue({ scalar: number, ranges, set }: Resource): string {
  if (ranges) return `[${ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(', ')}]`;
  return set ? `{${set.item.join(', ')}}` : String(toThousandths(number?.value ?? 0) / 1000);
}
