import { OperatorError } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { isMember, isNodeReady, newNode, type ClusterNode, type TargetRunState } from '../model/node.ts';

// The rules of what an operator may do to the ring: each throws an OperatorError, or gives back what is to be stored.

/** Throws NODE_REPLACED for a node that has left the ring, with the one that took its place. */
export function checkIsMember(node: ClusterNode, nodes: ClusterNode[]): void {
  if (isMember(node)) return;
  const successor = successorOf(node, nodes);
  throw new OperatorError(
    'NODE_REPLACED',
    successor
      ? `${node.executorId} was replaced by ${successor.executorId}`
      : `${node.executorId} was removed from the ring`,
    successor ? { hint: `Give the order for ${successor.executorId}.` } : {},
  );
}

/** Address under which the ring knows the tokens that this node has, or was to take over. Null: it has none. */
export function tokensAddress(node: ClusterNode): string | null {
  return node.bootstrapped ? node.ip : node.replaces;
}

function successorOf(node: ClusterNode, nodes: ClusterNode[]): ClusterNode | undefined {
  const address = tokensAddress(node);
  return nodes.find((other) => other.number > node.number && address !== null && other.replaces === address);
}

/** Throws JOB_RUNNING while a cluster job runs: it counts on the nodes that it began with. */
export function checkNoJob(job: ClusterJob | null, what: string): void {
  if (job === null) return;
  throw new OperatorError('JOB_RUNNING', `Job ${job.id} (${job.type}) is running: ${what} has to wait for its end`, {
    hint: 'Wait for its end, or abort it.',
    details: { job: job.id },
  });
}

/** What the order makes of the node. */
export function ordered(node: ClusterNode, action: 'stop' | 'start' | 'restart'): ClusterNode {
  if (action === 'stop') return { ...node, targetRunState: 'STOP' };
  // To restart what does not run is to start it; and whoever says start does not want to wait for the back-off.
  const running = node.serverState !== 'NONE';
  const targetRunState: TargetRunState = action === 'restart' && running ? 'RESTART' : 'RUN';
  return { ...node, targetRunState, launchNotBefore: null };
}

/** How many nodes are to be added. Throws BAD_REQUEST when some would have to go. */
export function nodesToAdd(nodeCount: number, nodes: ClusterNode[]): number {
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1) {
    throw new OperatorError('BAD_REQUEST', `Expected a number of nodes from 1 on, got ${nodeCount}`);
  }
  const members = nodes.filter(isMember).length;
  if (nodeCount < members) {
    throw new OperatorError('BAD_REQUEST', 'Can not decrease the number of nodes.', {
      hint: `There are ${members} nodes. Take one out with its data given to the others: cassandra-mesos node remove.`,
    });
  }
  return nodeCount - members;
}

/** A new member beside the others. No seed: a seed does not bootstrap, and would answer for data that it has not. */
export function newMember(nodes: ClusterNode[], number: number): ClusterNode {
  const [sibling] = nodes;
  if (!sibling) throw new OperatorError('INTERNAL', 'Expected a ring with at least one node, got none');
  return {
    ...newNode('', number, false),
    executorId: sibling.executorId.replace(/\d+\.executor$/, `${number}.executor`),
  };
}

/** Makes the node a seed or takes that away; the same node when it was so already. Others learn it by their next restart. */
export function withSeed(node: ClusterNode, seed: boolean, nodes: ClusterNode[]): ClusterNode {
  if (node.seed === seed) return node;
  const others = nodes.filter((other) => isMember(other) && other.seed && other.number !== node.number);
  if (others.some(({ agentId, replaces }) => agentId === null && replaces === null)) {
    throw new OperatorError(
      'BAD_REQUEST',
      'Must not change seed status while initial number of seed nodes has not been acquired',
    );
  }
  if (!seed && !others.some(isNodeReady)) {
    throw new OperatorError('BAD_REQUEST', 'Must not remove the last live seed node', {
      hint: 'Make another running node a seed first.',
    });
  }
  if (seed && !node.bootstrapped) {
    throw new OperatorError(
      'BAD_REQUEST',
      `${node.executorId} has not joined the ring yet, and seeds do not bootstrap`,
      {
        hint: 'Wait until it is NORMAL.',
      },
    );
  }
  return { ...node, seed };
}

/** The node's volumes and reservation may go, and its row with them. Throws BAD_REQUEST for a member of the ring. */
export function forgotten(node: ClusterNode): ClusterNode {
  if (isMember(node)) {
    throw new OperatorError('BAD_REQUEST', `${node.executorId} is a member of the ring: its data are in use`, {
      hint: 'Replace it when it is dead, or take it out with cassandra-mesos node remove.',
    });
  }
  return { ...node, deleteData: true };
}

/** For good: it is killed, shut down, and all that it holds is given back. */
export function destroyed(node: ClusterNode): ClusterNode {
  return { ...node, targetRunState: 'TERMINATE', deleteData: true };
}
