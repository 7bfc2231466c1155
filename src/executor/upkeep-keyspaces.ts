import { isSystemKeyspace } from '../cassandra/read-schema.ts';
import { OperatorError } from '../errors.ts';
import { eachKeyspace } from './each-keyspace.ts';
import type { NodeContext } from './step-context.ts';

/**
 * Does `work` for the keyspaces that the job names, or all that are not Cassandra's own. Ends well when at least one keyspace
 * did: the report names those that failed, and trying again would do the others once more. Throws the first failure else.
 */
export async function upkeepKeyspaces(context: NodeContext, work: (keyspace: string) => Promise<void>): Promise<void> {
  const { request, node, reporter, signal } = context;
  const known = (await node.upkeep.replication(signal)).map(({ keyspace }) => keyspace);
  const wanted = request.keyspaces ?? known.filter((keyspace) => !isSystemKeyspace(keyspace)).toSorted();
  reporter.plan(wanted);
  const failures = await eachKeyspace(context, wanted, async (keyspace) => {
    if (!known.includes(keyspace)) throw new OperatorError('BAD_REQUEST', `there is no keyspace ${keyspace}`);
    reporter.current(keyspace);
    await work(keyspace);
  });
  if (failures.length > 0 && failures.length === wanted.length) throw failures[0];
}

/** Does `work`; when the step is ended meanwhile, `stop` ends what Cassandra would go on with. */
export async function stoppable(
  { signal, log }: Pick<NodeContext, 'signal' | 'log'>,
  work: () => Promise<void>,
  stop: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Whatever keeps it from being stopped, most likely that Cassandra is gone, the reason to stop says more.
    if (signal.aborted) await stop().catch((err: unknown) => log.warn({ err }, 'what was begun could not be stopped'));
    throw error;
  }
}
