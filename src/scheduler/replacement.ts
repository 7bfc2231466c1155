import { OperatorError } from '../errors.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import { checkIsMember, newMember, tokensAddress } from './orders.ts';

/** Throws, with the reason, when the node must not be replaced by a new one now. */
export function checkReplaceable(node: ClusterNode, nodes: ClusterNode[]): void {
  checkIsMember(node, nodes);
  if (node.agentId === null) {
    throw refused(`${node.executorId} was never started: there is nothing to replace`);
  }
  if (isAlive(node)) {
    throw refused(
      `${node.executorId} is not dead: its server is ${node.serverState}, its target ${node.targetRunState}`,
      `Stop it first: cassandra-mesos node stop ${node.executorId}`,
    );
  }
  if (
    node.seed &&
    !nodes.some((other) => other.number !== node.number && isMember(other) && other.seed && other.bootstrapped)
  ) {
    throw refused(
      `${node.executorId} is the only seed with data: a new node would have nobody to join`,
      'Make another node that has joined a seed first.',
    );
  }
  const other = nodes.find((candidate) => candidate.number !== node.number && isTakingOver(candidate));
  if (other) {
    throw refused(
      `${other.executorId} is still taking over the tokens of ${other.replaces}: one replacement at a time`,
      `Wait until ${other.executorId} is NORMAL; when it is dead itself, replace that one first.`,
    );
  }
}

/** A server that could be there, or come back by itself, is not replaced: two nodes would claim the same tokens. */
function isAlive({ serverState, targetRunState, lastError }: ClusterNode): boolean {
  if (serverState === 'UNREACHABLE') return false;
  return serverState !== 'NONE' || (targetRunState !== 'STOP' && lastError === null);
}

/** A new node that has the tokens of a dead one to take over and has not done so yet. */
export function isTakingOver(node: ClusterNode): boolean {
  return isMember(node) && node.replaces !== null && !node.bootstrapped;
}

/**
 * The dead node out, a new one in. Where the dead one had not joined there are no tokens to take over (or those
 * that it was to take over itself): it just gives up its place. Its data are never used again: their paths and
 * volumes carry its executor id.
 */
export function replaceNode(
  node: ClusterNode,
  nodes: ClusterNode[],
  number: number,
): { replaced: ClusterNode; replacement: ClusterNode } {
  return {
    replaced: { ...node, targetRunState: 'TERMINATE' },
    replacement: { ...newMember(nodes, number), seed: node.seed, replaces: tokensAddress(node) },
  };
}

function refused(message: string, hint?: string): OperatorError {
  return new OperatorError('BAD_REQUEST', message, hint === undefined ? {} : { hint });
}
