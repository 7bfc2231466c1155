import { OperatorError } from '../errors.ts';
import { checkReplicasStay } from './enough-replicas.ts';
import type { NodeContext } from './step-context.ts';
import { untilDone } from './until-done.ts';

/**
 * This node makes the others take over what a dead one had, and takes that out of the ring. One that is not in the ring any
 * more is fine. Throws BAD_REQUEST when too few nodes would be left, CASSANDRA_ERROR when Cassandra refuses.
 */
export async function nodeRemovenode(context: NodeContext): Promise<void> {
  const { request, node, reporter, signal } = context;
  const hostId = request.removeHostId;
  if (hostId === null) throw new OperatorError('INTERNAL', 'expected the host id of the node to remove, got none');
  const ring = await node.upkeep.ring(signal);
  if (ring.some((member) => member.hostId === hostId)) {
    checkReplicasStay(hostId, ring, await node.upkeep.replication(signal));
  }
  reporter.current(hostId);
  await untilDone(context, {
    isDone: async () => (await node.upkeep.ring(signal)).every((member) => member.hostId !== hostId),
    isRunning: () => node.upkeep.isRemoving(signal),
    begin: () => node.upkeep.removeNode(hostId, signal),
    gaveUp: () =>
      new OperatorError('CASSANDRA_ERROR', `Cassandra stopped removing ${hostId} before it was out of the ring`),
  });
}
