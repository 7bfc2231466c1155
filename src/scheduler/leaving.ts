import type { Offer } from '../mesos/types.ts';
import { isMember, type ClusterNode } from '../model/node.ts';

// What becomes of a node whose server has ended and whose executor is to go as well: it left the ring for good, or it is
// restarted and its executor would be described differently now.

/** What is to be stored of a node that waits for something to end; null: nothing is left of it, forget it. */
export function settled(node: ClusterNode, isOutdated: (node: ClusterNode) => boolean): ClusterNode | null {
  if (node.serverState !== 'NONE') return node;
  if (node.targetRunState === 'RESTART') return isOutdated(node) ? node : { ...node, targetRunState: 'RUN' };
  const isGone = node.targetRunState === 'TERMINATE' && node.executorInfo === null;
  return isGone && node.deleteData && node.reservation === null ? null : node;
}

/** True while the node's executor is to be shut down. Its server has ended before: a kill is gentler than that. */
export function mustShutDown(node: ClusterNode, isOutdated: (node: ClusterNode) => boolean): boolean {
  if (node.serverState !== 'NONE' || node.executorInfo === null || node.agentId === null) return false;
  return node.targetRunState === 'TERMINATE' || (node.targetRunState === 'RESTART' && isOutdated(node));
}

/** True when the agent offers and names no executor of the node: it has ended, whether or not anybody said so. */
export function hasNoExecutor(node: ClusterNode, offer: Offer): boolean {
  if (node.serverState !== 'NONE' || node.executorInfo === null) return false;
  return offer.agentId.value === node.agentId && offer.executorIds.every(({ value }) => value !== node.executorId);
}

/**
 * True for an executor on an agent that has no business there: of a node that nobody knows any more, that lives on
 * another agent now (it had no data when that was decided), or whose executor was thought to have ended: how this one
 * was described is not known, and so nothing can be launched on it.
 */
export function isStray(node: ClusterNode | null, agentId: string): boolean {
  return node === null || (node.agentId !== null && node.agentId !== agentId) || node.executorInfo === null;
}

/**
 * True while something of the node may be on its agent although no server of it is known: an executor (with a server
 * that was taken for lost), or, once the node has left the ring, what it holds there.
 */
export function mayHaveLeftovers(node: ClusterNode): boolean {
  if (node.agentId === null || node.serverTaskId !== null) return false;
  return node.executorInfo !== null || (!isMember(node) && node.deleteData && node.reservation !== null);
}

/** An operator told Mesos that the agent is gone for good: so is all that a node which left the ring had there. */
export function withoutAgent(node: ClusterNode): ClusterNode {
  return isMember(node) ? node : { ...node, executorInfo: null, reservation: null };
}
