import { ownTag } from './own-snapshot.ts';
import { settle } from './settle-loads.ts';
import { allPlans, removePlan, removeStaged } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';

/** Takes away what a job has left on the node. */
export async function nodeCleanup(context: StepContext): Promise<void> {
  const { request, node, signal } = context;
  await node.clearSnapshot(ownTag(context), undefined, signal);
  if (!request.removeStaging) return;
  for (const plan of await allPlans(context)) {
    await settle(context, plan);
    await removePlan(context, plan.jobUuid);
  }
  // Also what an attempt has staged that did not come to its plan.
  await removeStaged(context);
}
