import { OperatorError } from '../errors.ts';
import { isNodeReady, type ClusterNode } from '../model/node.ts';

/** How a node leaves the ring. FORGET: it never joined, so Cassandra has nothing to do. */
export type Removal =
  | { how: 'DECOMMISSION' }
  /** It is down: `by` tells the others to take over what it had. */
  | { how: 'REMOVENODE'; by: string; hostId: string }
  | { how: 'FORGET' };

/**
 * Decides how a member leaves. Throws BAD_REQUEST where it must not: the last node, the last seed; NODE_DOWN while any
 * other member is not up, because its ranges go to the others. That enough replicas are left is for Cassandra to say, which
 * knows the keyspaces.
 */
export function removalOf(executorId: string, members: ClusterNode[]): Removal {
  const node = members.find((member) => member.executorId === executorId);
  if (!node) throw new OperatorError('BAD_REQUEST', `Expected a node of this cluster to remove, got ${executorId}`);
  const others = members.filter((member) => member !== node);
  if (others.length === 0) {
    throw new OperatorError('BAD_REQUEST', `${executorId} is the last node of the cluster and cannot be removed`);
  }
  if (node.seed && !others.some(({ seed }) => seed)) {
    throw new OperatorError('BAD_REQUEST', `${executorId} is the last seed and cannot be removed`, {
      hint: 'Make another node a seed first.',
    });
  }
  if (!node.bootstrapped) return forget(node);
  const notReady = others.filter((other) => !isNodeReady(other));
  const [by] = others;
  if (notReady.length > 0 || !by) {
    const names = notReady.map((other) => other.executorId).join(', ');
    throw new OperatorError('NODE_DOWN', `Expected all other nodes to be up and NORMAL, these are not: ${names}`, {
      hint: 'Bring them up first: they take over the data of the node that leaves.',
    });
  }
  // Also one that is LEAVING already: it goes on with that.
  if (node.serverState === 'RUNNING' && node.health !== null) return { how: 'DECOMMISSION' };
  if (node.hostId !== null) return { how: 'REMOVENODE', by: by.executorId, hostId: node.hostId };
  throw new OperatorError('BAD_REQUEST', `Expected to know the host id of ${executorId}, it was never heard of`, {
    hint: 'Take it out of the ring with nodetool removenode.',
  });
}

/** While it bootstraps, others may stream to it: it is stopped first. */
function forget({ executorId, serverState, targetRunState }: ClusterNode): Removal {
  if (serverState === 'NONE' || targetRunState === 'STOP') return { how: 'FORGET' };
  throw new OperatorError('BAD_REQUEST', `${executorId} is joining the ring (server state ${serverState})`, {
    hint: 'Wait until it is NORMAL, or stop it first.',
  });
}
