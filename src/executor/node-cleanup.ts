import { wrapError } from '../errors.ts';
import { ownTag } from './own-snapshot.ts';
import { settle } from './settle-loads.ts';
import { allPlans, removePlan, removeStaged } from './staged-plan.ts';
import type { NodeContext } from './step-context.ts';

/**
 * Takes away what a job has left on the node; needs no location. Staged files first, for which Cassandra is needed only
 * where a load had begun: it may be down, and only its snapshot stays then, until it starts again.
 */
export async function nodeCleanup(context: NodeContext): Promise<void> {
  const { request, node, signal } = context;
  if (request.removeStaging) await removeAllStaging(context);
  try {
    await node.clearSnapshot(ownTag(context), undefined, signal);
  } catch (error) {
    throw wrapError(`clear snapshot ${ownTag(context)}`, error, 'CASSANDRA_ERROR');
  }
}

async function removeAllStaging(context: NodeContext): Promise<void> {
  for (const plan of await allPlans(context)) {
    await settle(context, plan);
    await removePlan(context, plan.jobUuid);
  }
  // Also what an attempt has staged that did not come to its plan.
  await removeStaged(context);
}
