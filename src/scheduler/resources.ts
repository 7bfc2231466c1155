// Taking resources out of an offer: every piece keeps what Mesos said of it (reservations, disk, allocation), because
// an ACCEPT must name exactly what was offered. Scalars count in thousandths, as in Mesos.
import type { Resource } from '../mesos/types.ts';

type Range = { begin: number; end: number };

const thousandths = (value: number): number => Math.round(value * 1000);

/** Sum of a scalar, over reservations and disks. */
export function scalarOf(resources: readonly Resource[], name: string): number {
  const parts = resources.filter((resource) => resource.name === name);
  return parts.reduce((sum, { scalar }) => sum + thousandths(scalar?.value ?? 0), 0) / 1000;
}

function rangesOf({ ranges }: Resource): Range[] {
  return ranges?.range ?? [];
}

/** Disk without a volume on it and without a path or mount of its own. */
export function isRootDisk({ name, disk }: Resource): boolean {
  return name === 'disk' && !disk?.persistence && !disk?.source;
}

/** Resources that are still to be had, the ones to be taken first in front. */
export class Supply {
  #parts: Resource[];

  constructor(parts: readonly Resource[]) {
    this.#parts = [...parts];
  }

  get parts(): readonly Resource[] {
    return this.#parts;
  }

  /** Takes so much of a scalar, from several parts if need be; null, and takes nothing, when there is not enough. */
  take(name: string, value: number, fits: (part: Resource) => boolean = () => true): Resource[] | null {
    let missing = thousandths(value);
    const taken: Resource[] = [];
    const left = this.#parts.flatMap((part) => {
      if (missing <= 0 || part.name !== name || !part.scalar || !fits(part)) return [part];
      const have = thousandths(part.scalar.value);
      const used = Math.min(have, missing);
      missing -= used;
      taken.push(withValue(part, used));
      return used === have ? [] : [withValue(part, have - used)];
    });
    if (missing > 0) return null;
    this.#parts = left;
    return taken;
  }

  /** Takes `value` (null: all) of the first part that fits and has as much; null when there is none. */
  takePart(value: number | null, fits: (part: Resource) => boolean): Resource | null {
    const part = this.#parts.find((candidate) => fits(candidate) && (candidate.scalar?.value ?? 0) >= (value ?? 0));
    if (!part) return null;
    const have = thousandths(part.scalar?.value ?? 0);
    const used = value === null ? have : thousandths(value);
    this.#parts = this.#parts.flatMap((each) => {
      if (each !== part) return [each];
      return used === have ? [] : [withValue(part, have - used)];
    });
    return withValue(part, used);
  }

  /** Takes these ports; all must be there. */
  takePorts(ports: readonly number[]): Resource[] {
    const taken: Resource[] = [];
    let wanted = [...ports].toSorted((a, b) => a - b);
    this.#parts = this.#parts.flatMap((part) => {
      const here = part.name === 'ports' ? wanted.filter((port) => hasPort(rangesOf(part), port)) : [];
      if (here.length === 0) return [part];
      wanted = wanted.filter((port) => !here.includes(port));
      taken.push({ ...part, ranges: { range: here.map((port) => ({ begin: port, end: port })) } });
      const range = here.reduce(without, rangesOf(part));
      return range.length === 0 ? [] : [{ ...part, ranges: { range } }];
    });
    if (wanted.length > 0) throw new RangeError(`expected offered ports, got ${wanted.join(', ')}`);
    return taken;
  }

  hasPort(port: number): boolean {
    return this.#parts.some((part) => part.name === 'ports' && hasPort(rangesOf(part), port));
  }

  /** The first `count` ports that are not in `taken`; fewer when there are fewer. */
  freePorts(count: number, taken: ReadonlySet<number>): number[] {
    const found: number[] = [];
    for (const { begin, end } of this.#parts.filter(({ name }) => name === 'ports').flatMap(rangesOf)) {
      for (let port = begin; port <= end && found.length < count; port += 1) {
        if (!taken.has(port) && !found.includes(port)) found.push(port);
      }
    }
    return found;
  }
}

function hasPort(ranges: readonly Range[], port: number): boolean {
  return ranges.some(({ begin, end }) => begin <= port && port <= end);
}

function without(ranges: Range[], port: number): Range[] {
  return ranges.flatMap(({ begin, end }) =>
    port < begin || port > end
      ? [{ begin, end }]
      : [
          { begin, end: port - 1 },
          { begin: port + 1, end },
        ].filter((part) => part.begin <= part.end),
  );
}

function withValue(part: Resource, inThousandths: number): Resource {
  return { ...part, scalar: { value: inThousandths / 1000 } };
}

/** Pieces of the same kind as one. */
export function merged(pieces: readonly Resource[]): Resource[] {
  const byKind = new Map<string, Resource>();
  for (const piece of pieces) {
    const key = JSON.stringify({ ...piece, scalar: undefined, ranges: undefined });
    const there = byKind.get(key);
    byKind.set(key, there ? sum(there, piece) : piece);
  }
  return [...byKind.values()];
}

function sum(left: Resource, right: Resource): Resource {
  if (left.ranges) {
    const range = [...rangesOf(left), ...rangesOf(right)].toSorted((a, b) => a.begin - b.begin);
    return { ...left, ranges: { range } };
  }
  return withValue(left, thousandths(left.scalar?.value ?? 0) + thousandths(right.scalar?.value ?? 0));
}
