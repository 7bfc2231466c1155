import type { Resource } from '../../src/mesos/types.ts';

/** Resources that can be added and taken away, as Mesos counts them: by name, reservations and disk. */
export class Bag {
  readonly #kinds = new Map<string, { like: Resource; amount: number; ports: Set<number> }>();

  constructor(resources: Resource[] = []) {
    this.add(resources);
  }

  get resources(): Resource[] {
    return [...this.#kinds.values()].flatMap(({ like, amount, ports }): Resource[] => {
      if (like.type === 'SCALAR') return amount < 0.0005 ? [] : [{ ...like, scalar: { value: round(amount) } }];
      const range = [...ports].toSorted((a, b) => a - b).map((port) => ({ begin: port, end: port }));
      return range.length === 0 ? [] : [{ ...like, ranges: { range } }];
    });
  }

  get isEmpty(): boolean {
    return this.resources.length === 0;
  }

  add(resources: Resource[]): void {
    for (const resource of resources) {
      const key = keyOf(resource);
      const kind = this.#kinds.get(key) ?? { like: bare(resource), amount: 0, ports: new Set<number>() };
      this.#kinds.set(key, kind);
      kind.amount += resource.scalar?.value ?? 0;
      for (const port of portsOf(resource)) kind.ports.add(port);
    }
  }

  /** False, and nothing changed, when it does not hold all of them. */
  take(resources: Resource[]): boolean {
    const wanted = new Bag(resources);
    for (const [key, { amount, ports }] of wanted.#kinds) {
      const kind = this.#kinds.get(key);
      if (!kind || kind.amount + 0.0005 < amount || [...ports].some((port) => !kind.ports.has(port))) return false;
    }
    for (const [key, { amount, ports }] of wanted.#kinds) {
      const kind = this.#kinds.get(key);
      if (!kind) continue;
      kind.amount -= amount;
      for (const port of ports) kind.ports.delete(port);
    }
    return true;
  }
}

function bare({ allocationInfo: _allocation, scalar: _scalar, ranges: _ranges, ...rest }: Resource): Resource {
  return rest;
}

function keyOf({ name, reservations = [], disk }: Resource): string {
  return canonical([name, reservations, disk ?? null]);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function portsOf(resource: Resource): number[] {
  return (resource.ranges?.range ?? []).flatMap(({ begin, end }) =>
    Array.from({ length: end - begin + 1 }, (_, offset) => begin + offset),
  );
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
