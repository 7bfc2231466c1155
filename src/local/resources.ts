// Arithmetic of Mesos resources: scalars with three decimals, ranges and sets. Pure; every result is sorted as given,
// without empty entries and without allocation info, which belongs to an offer and not to a quantity.
import type { Ranges, Resource } from '../mesos/types.ts';

type Range = Ranges['range'][number];

/** Scalars count in thousandths, as in Mesos: 0.1 + 0.2 is 0.3. */
export const toThousandths = (value: number) => Math.round(value * 1000);

/** All lists as one: equal kinds are summed. */
export function add(...lists: (readonly Resource[])[]): Resource[] {
  const sum = new Map<string, Resource>();
  for (const resource of lists.flat()) {
    const key = kindOf(resource);
    const there = sum.get(key);
    sum.set(key, there ? combine(there, resource, 1) : plain(resource));
  }
  return [...sum.values()].filter((resource) => !isEmpty(resource));
}

/** What is left of `from`; what it does not hold is ignored, so ask `contains` first where that matters. */
export function subtract(from: readonly Resource[], taken: readonly Resource[]): Resource[] {
  const away = new Map(add(taken).map((resource) => [kindOf(resource), resource]));
  return add(from)
    .map((resource) => {
      const less = away.get(kindOf(resource));
      return less ? combine(resource, less, -1) : resource;
    })
    .filter((resource) => !isEmpty(resource));
}

/** True when everything in `wanted` is within `have`. A volume and a mounted disk are there as a whole or not at all. */
export function contains(have: readonly Resource[], wanted: readonly Resource[]): boolean {
  const there = new Map(add(have).map((resource) => [kindOf(resource), resource]));
  return add(wanted).every((resource) => {
    const holder = there.get(kindOf(resource));
    if (holder === undefined || !isEmpty(combine(resource, holder, -1))) return false;
    return !isWhole(resource) || isEmpty(combine(holder, resource, -1));
  });
}

/** The scalar of that name over all reservations; 0 when there is none. */
export function scalar(resources: readonly Resource[], name: string): number {
  const all = resources.filter((resource) => resource.name === name);
  return all.reduce((sum, { scalar: part }) => sum + toThousandths(part?.value ?? 0), 0) / 1000;
}

/** As in an offer: everything belongs to `role`. */
export function withRole(resources: readonly Resource[], role: string): Resource[] {
  return resources.map((resource) => ({ ...plain(resource), allocationInfo: { role } }));
}

/** In the order of Mesos's offers: what is reserved and what is no scalar, then the unreserved scalars. */
export function inOfferOrder(resources: readonly Resource[]): Resource[] {
  return resources.toSorted((a, b) => Number(isPlainScalar(a)) - Number(isPlainScalar(b)));
}

function isPlainScalar(resource: Resource): boolean {
  return resource.type === 'SCALAR' && !isReserved(resource);
}

/** What a framework may be offered for that role: the unreserved, and what is reserved for it. */
export function offerable(resources: readonly Resource[], role: string): Resource[] {
  return resources.filter((resource) => !isReserved(resource) || reservationRole(resource) === role);
}

export function isReserved({ reservations = [] }: Resource): boolean {
  return reservations.length > 0;
}

export function isDynamicallyReserved({ reservations = [] }: Resource): boolean {
  return reservations.at(-1)?.type === 'DYNAMIC';
}

export function isVolume({ disk }: Resource): boolean {
  return disk?.persistence !== undefined;
}

/** Of the innermost reservation; `*` when there is none. */
export function reservationRole({ reservations = [] }: Resource): string {
  return reservations.at(-1)?.role ?? '*';
}

/** The disk that the volume lies on. Takes nothing else away. */
export function withoutVolume(resource: Resource): Resource {
  const { disk, ...rest } = resource;
  return disk?.source ? { ...rest, disk: { source: disk.source } } : rest;
}

/** Without its innermost reservation. */
export function withoutReservation(resource: Resource): Resource {
  const { reservations = [], ...rest } = resource;
  return reservations.length > 1 ? { ...rest, reservations: reservations.slice(0, -1) } : rest;
}

/** An agent's own resources as they are with these reservations and volumes on them. */
export function withReserved(own: readonly Resource[], reserved: readonly Resource[]): Resource[] {
  return [...subtract(own, reserved.map(asConfigured)), ...add(reserved)];
}

function asConfigured(resource: Resource): Resource {
  let bare = withoutVolume(resource);
  while (isDynamicallyReserved(bare)) bare = withoutReservation(bare);
  return bare;
}

/** Resources of one kind may be added and subtracted. */
function kindOf(resource: Resource): string {
  const { name, role, reservation, reservations = [], disk, revocable, shared, providerId } = resource;
  const special = reservation ?? disk ?? revocable ?? shared ?? providerId;
  if (!special && reservations.length === 0 && (role === undefined || role === '*')) return name;
  const parts = [name, role === '*' ? undefined : role, reservation, reservations, disk, revocable, shared, providerId];
  return JSON.stringify(parts, sortKeys);
}

/** The same message may come with its fields in another order: from the wire, from disk, from our own hands. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isWhole({ disk }: Resource): boolean {
  return disk?.persistence !== undefined || disk?.source?.type === 'MOUNT';
}

function plain(allocated: Resource): Resource {
  const { allocationInfo: _, ...resource } = allocated;
  return resource.ranges ? { ...resource, ranges: { range: merge(resource.ranges.range) } } : { ...resource };
}

/** `a + b` or `a - b`, both of one kind. */
function combine(a: Resource, b: Resource, sign: 1 | -1): Resource {
  if (a.scalar) {
    const thousandths = toThousandths(a.scalar.value) + sign * toThousandths(b.scalar?.value ?? 0);
    return { ...plain(a), scalar: { value: thousandths / 1000 } };
  }
  if (a.ranges) {
    const other = merge(b.ranges?.range ?? []);
    const range = sign === 1 ? merge([...a.ranges.range, ...other]) : cut(merge(a.ranges.range), other);
    return { ...plain(a), ranges: { range } };
  }
  const mine = a.set?.item ?? [];
  const other = new Set(b.set?.item);
  const item = sign === 1 ? [...new Set([...mine, ...other])] : mine.filter((name) => !other.has(name));
  return { ...plain(a), set: { item } };
}

function isEmpty({ scalar: number, ranges, set }: Resource): boolean {
  if (number) return toThousandths(number.value) <= 0;
  return (ranges?.range ?? set?.item ?? []).length === 0;
}

/** Sorted, without overlap, neighbours joined. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const { begin, end } of ranges.toSorted((a, b) => a.begin - b.begin)) {
    const last = merged.at(-1);
    if (last && begin <= last.end + 1) last.end = Math.max(last.end, end);
    else merged.push({ begin, end });
  }
  return merged;
}

function cut(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  return holes.reduce<Range[]>(
    (left, hole) =>
      left.flatMap(({ begin, end }) =>
        [
          { begin, end: Math.min(end, hole.begin - 1) },
          { begin: Math.max(begin, hole.end + 1), end },
        ].filter((part) => part.begin <= part.end),
      ),
    [...ranges],
  );
}
