import { OperatorError } from '../errors.ts';
import type { NodeContext } from './step-context.ts';
import { stoppable, upkeepKeyspaces } from './upkeep-keyspaces.ts';

const POLL_MS = 1_000;
/** Cassandra knows of a repair from the moment on at which its thread begins, which on a busy node is later than the answer with its number. */
const BEGIN_MS = 60_000;
/** No repair of one node's primary ranges takes that long unless it hangs. */
const REPAIR_TIMEOUT_MS = 24 * 60 * 60_000;

/** `nodetool repair --full --partitioner-range`: compares the node's own ranges with their replicas and evens them out. */
export async function nodeRepair(context: NodeContext): Promise<void> {
  const { node, request } = context;
  const cancel = () => node.upkeep.cancelRepairs();
  // Where an attempt was given up as lost, its repair may still be running.
  if (request.attempt > 1) await cancel();
  await upkeepKeyspaces(context, (keyspace) => stoppable(context, () => repair(context, keyspace), cancel));
}

/** Throws CASSANDRA_ERROR with Cassandra's own words when a session failed. */
async function repair({ node, clock, signal }: NodeContext, keyspace: string): Promise<void> {
  const { upkeep } = node;
  const started = clock.now();
  const number = await upkeep.startRepair(keyspace, signal);
  if (number === null) return;
  for (let isKnown = false; ;) {
    const status = await upkeep.repairStatus(number, signal);
    isKnown ||= status !== null;
    if (status?.state === 'COMPLETED') return;
    const mayBegin = !isKnown && clock.now() - started < BEGIN_MS;
    if (status?.state !== 'RUNNING' && !mayBegin) {
      const words = status?.messages.join('; ') ?? 'Cassandra knows nothing of it any more';
      throw new OperatorError('CASSANDRA_ERROR', `repair ${number} of keyspace ${keyspace}: ${words}`);
    }
    if (clock.now() - started > REPAIR_TIMEOUT_MS) {
      await upkeep.cancelRepairs();
      throw new OperatorError('TIMEOUT', `repair ${number} of keyspace ${keyspace} has not ended within a day`);
    }
    await clock.sleep(POLL_MS, signal);
  }
}
