// Arithmetic of Mesos resources: scalars with three decimals, ranges and sets. Pure; every result is sorted as given,
// without empty entries and without allocation info, which belongs to an offer and not to a quantity.
import type { Ranges, Resource } from '../mesos/types.ts';

type Range = Ranges['range'][number];

/** Scalars count in thousandths, as in Mesos: 0.1 + 0.2 is 0.3. */
const toThousandths = (value: number) => Math.round(value * 1000);

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

/** True when everything in `wanted` is within `have`. */
export function contains(have: readonly Resource[], wanted: readonly Resource[]): boolean {
  const there = new Map(add(have).map((resource) => [kindOf(resource), resource]));
  return add(wanted).every((resource) => {
    const holder = there.get(kindOf(resource));
    return holder !== undefined && isEmpty(combine(resource, holder, -1));
  });
}

/** The scalar of that name over all reservations; 0 when there is none. */
export function scalar(resources: readonly Resource[], name: string): number {
  const all = resources.filter((resource) => resource.name === name);
  return all.reduce((sum, { scalar: part }) => sum + toThousandths(part?.value ?? 0), 0) / 1000;
}

/** For an offer: everything belongs to `role`. Mesos names the ports first. */
export function allocate(resources: readonly Resource[], role: string): Resource[] {
  const allocated = resources.map((resource) => ({ ...plain(resource), allocationInfo: { role } }));
  return allocated.sort((a, b) => Number(b.type === 'RANGES') - Number(a.type === 'RANGES'));
}

/** As Mesos writes them in its messages: `ports(allocated: *):[31000-32000]; cpus(allocated: *):4`. */
export function describe(resources: readonly Resource[], role: string): string {
  return resources.map((resource) => `${resource.name}(allocated: ${role}):${describeValue(resource)}`).join('; ');
}

function describeValue({ scalar: number, ranges, set }: Resource): string {
  if (ranges) return `[${ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(', ')}]`;
  return set ? `{${set.item.join(', ')}}` : String(toThousandths(number?.value ?? 0) / 1000);
}

/** Resources of one kind may be added and subtracted. */
function kindOf({ name, role, reservation, reservations = [], disk }: Resource): string {
  return JSON.stringify([name, role === '*' ? undefined : role, reservation, reservations, disk]);
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
