import { isMember, type ClusterNode } from '../model/node.ts';

/**
 * Addresses that a node finds its ring by. Cassandra takes a node that is its own seed as one with nothing to fetch:
 * only the first node of a ring, and nodes with data, may be that.
 */
export function seedsFor(node: Pick<ClusterNode, 'number' | 'ip' | 'bootstrapped'>, nodes: ClusterNode[]): string[] {
  const members = nodes.filter((other) => isMember(other) && other.ip !== null);
  const others = members.filter(({ number }) => number !== node.number);
  const candidates = [
    node.bootstrapped ? members.filter(({ seed }) => seed) : [],
    others.filter(({ seed }) => seed),
    others.filter(({ bootstrapped }) => bootstrapped),
  ];
  const seeds = candidates.find((choice) => choice.length > 0)?.flatMap(({ ip }) => ip ?? []) ?? [];
  return seeds.length > 0 ? seeds : [node.ip].flatMap((ip) => ip ?? []);
}
