import type { NodeContext } from './step-context.ts';
import { stoppable, upkeepKeyspaces } from './upkeep-keyspaces.ts';

/** `nodetool cleanup`: the node drops what is not its own any more since others joined. */
export async function nodeClean(context: NodeContext): Promise<void> {
  const { upkeep } = context.node;
  await upkeepKeyspaces(context, (keyspace) =>
    stoppable(
      context,
      () => upkeep.cleanUp(keyspace, context.signal),
      () => upkeep.stopCleanUps(),
    ),
  );
}
