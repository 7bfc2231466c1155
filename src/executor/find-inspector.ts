import type { BackupRecord } from '../model/backup.ts';
import type { Inspector } from '../model/step.ts';

type BackupNode = BackupRecord['nodes'][number];

/**
 * The parts of a backup that are for one node to inspect: its own, as a restore would find it, and its share of those whose nodes are in
 * the ring no more. All nodes that are told the same inspectors agree on it.
 */
export function partsFor(
  nodes: readonly BackupNode[],
  inspectors: readonly Inspector[],
  executorId: string,
): BackupNode[] {
  const ready = inspectors.filter((inspector) => inspector.ready);
  const willing = ready.length === 0 ? inspectors : ready;
  return nodes.filter((node, index) => {
    const inspector = ownerOf(node, inspectors) ?? willing[index % willing.length];
    return inspector?.executorId === executorId;
  });
}

/** By tokens first, which a node that was replaced has taken over; host id and executor id are known of nodes that are down, too. */
function ownerOf(node: BackupNode, inspectors: readonly Inspector[]): Inspector | undefined {
  const tokens = tokenSet(node.tokens);
  return (
    inspectors.find((inspector) => inspector.tokens.length > 0 && tokenSet(inspector.tokens) === tokens) ??
    inspectors.find((inspector) => inspector.hostId === node.hostId) ??
    inspectors.find((inspector) => inspector.executorId === node.executorId)
  );
}

function tokenSet(tokens: readonly string[]): string {
  return tokens.toSorted().join(' ');
}
