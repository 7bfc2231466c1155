import { OperatorError } from '../errors.ts';
import { checkReplicasStay } from './enough-replicas.ts';
import type { NodeContext } from './step-context.ts';
import { untilDone } from './until-done.ts';

/**
 * The node hands its data to the others and leaves the ring. Done again it goes on with what is under way. Throws BAD_REQUEST
 * when too few nodes would be left, CASSANDRA_ERROR with Cassandra's own words when that refuses.
 */
export async function nodeDecommission(context: NodeContext): Promise<void> {
  const { node, reporter, signal } = context;
  const mode = async () => (await node.health(signal)).operationMode;
  const { operationMode, hostId } = await node.health(signal);
  if (operationMode === 'NORMAL') {
    checkReplicasStay(hostId, await node.upkeep.ring(signal), await node.upkeep.replication(signal));
  }
  reporter.current('LEAVING');
  await untilDone(context, {
    isDone: async () => (await mode()) === 'DECOMMISSIONED',
    isRunning: async () => (await mode()) === 'LEAVING',
    begin: () => node.upkeep.decommission(signal),
    gaveUp: () => new OperatorError('CASSANDRA_ERROR', 'Cassandra stopped leaving the ring before it was out of it'),
  });
}
