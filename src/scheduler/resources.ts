import type { Offer, Resource } from '../mesos/types.ts';

/** Sum of a scalar in an offer, over roles. */
export function scalarOf(offer: Pick<Offer, 'resources'>, name: string): number {
  return offer.resources
    .filter((resource) => resource.name === name && resource.type === 'SCALAR')
    .reduce((sum, resource) => sum + (resource.scalar?.value ?? 0), 0);
}

/** The offer's port ranges, in their order. */
export function portRangesOf(offer: Pick<Offer, 'resources'>): { begin: number; end: number }[] {
  return offer.resources.filter((resource) => resource.name === 'ports').flatMap(({ ranges }) => ranges?.range ?? []);
}

export function hasPort(ranges: { begin: number; end: number }[], port: number): boolean {
  return ranges.some(({ begin, end }) => begin <= port && port <= end);
}

/** The first `count` ports of the ranges that are not in `taken`; fewer when there are fewer. */
export function freePorts(ranges: { begin: number; end: number }[], count: number, taken: Set<number>): number[] {
  const found: number[] = [];
  for (const { begin, end } of ranges) {
    for (let port = begin; port <= end && found.length < count; port += 1) {
      if (!taken.has(port)) found.push(port);
    }
  }
  return found;
}

/** Mesos counts scalars in thousandths. */
const round = (value: number): number => Math.round(value * 1000) / 1000;

export function scalar(name: string, value: number, role: string): Resource {
  return { name, type: 'SCALAR', scalar: { value: round(value) }, allocationInfo: { role } };
}

export function ports(numbers: number[], role: string): Resource {
  const range = [...numbers].sort((a, b) => a - b).map((port) => ({ begin: port, end: port }));
  return { name: 'ports', type: 'RANGES', ranges: { range }, allocationInfo: { role } };
}
