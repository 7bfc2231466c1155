import { OperatorError } from '../errors.ts';
import type { NodeMap } from '../model/foreign-backup.ts';
import type { ForeignTree } from '../storage/foreign-trees.ts';

/** By what a node is known in the tree of another program. */
export interface Adopter {
  /** The number in its executor id. */
  number: number;
  ip: string;
  hostname: string;
  tokens: readonly string[];
}

/** Addresses of the ring that the tree was made of, with their tokens, as far as the tree says so. */
export type ForeignRing = ReadonlyMap<string, readonly string[]>;

/**
 * Which of the folders of a tree is this node's: the one that `nodeMap` says; of DC/OS `node-<its number>`; of others that of the address that
 * had its tokens, of its ip or of its host name. Null when there is none. Throws TOPOLOGY_MISMATCH where the ring says that a folder is of other
 * tokens: its rows would be loaded where nobody looks for them.
 */
export function ownFolder(
  { madeBy, nodes }: Pick<ForeignTree, 'madeBy' | 'nodes'>,
  { number, ip, hostname, tokens }: Adopter,
  nodeMap: NodeMap = {},
  ring: ForeignRing = new Map(),
): string | null {
  const mapped = Object.keys(nodeMap).filter((folder) => nodeMap[folder] === number);
  const sameTokens = [...ring.keys()].filter((address) => isSame(ring.get(address), tokens));
  const known = madeBy === 'dcos-cassandra' ? [`node-${number}`] : [...sameTokens, ip, hostname];
  const wanted = mapped.length > 0 ? mapped : known.filter((folder) => nodeMap[folder] === undefined);
  const found = wanted.find((folder) => nodes.includes(folder));
  if (found === undefined) return null;
  const had = ring.get(found);
  if (had === undefined || isSame(had, tokens)) return found;
  throw new OperatorError(
    'TOPOLOGY_MISMATCH',
    `expected in ${found} what a node with the tokens ${said(tokens)} has stored, but its ring had ${said(had)} there`,
    { hint: 'Adopt on nodes that have the tokens of then; nodeMap says which folder is whose.' },
  );
}

function isSame(had: readonly string[] | undefined, tokens: readonly string[]): boolean {
  return had !== undefined && had.length === tokens.length && had.every((token) => tokens.includes(token));
}

function said(tokens: readonly string[]): string {
  return tokens.length > 3 ? `${tokens.slice(0, 3).join(', ')} and ${tokens.length - 3} more` : tokens.join(', ');
}

const RING_LINE = /^\s*(\S+)\s+\S+\s+(?:Up|Down|\?)\s+(?:Normal|Leaving|Joining|Moving|\?)\s.*?(-?\d+)\s*$/;

/** Tokens by address in what `nodetool ring` has printed. */
export function parseRing(text: string): Map<string, string[]> {
  const ring = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, address, token] = RING_LINE.exec(line) ?? [];
    if (address !== undefined && token !== undefined) ring.set(address, [...(ring.get(address) ?? []), token]);
  }
  return ring;
}
