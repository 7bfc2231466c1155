import { isMember, newNode } from '../model/node.ts';
import type { SchedulerContext } from './context.ts';
import { destroyStage } from './destroy.ts';

const KEY = 'nodeCount';

/**
 * Makes the first nodes, and more when the number in the settings was raised since the last start. Otherwise there
 * are as many as operators made of them through the API: nothing is taken away, nor added again.
 */
export function addMissingNodes({ state, settings, log }: Pick<SchedulerContext, 'state' | 'settings' | 'log'>): void {
  const { nodeCount, seedCount, clusterName } = settings;
  state.transaction(() => {
    if (destroyStage(state) !== null) return;
    const nodes = state.nodes.all();
    const members = nodes.filter(isMember).length;
    if (nodeCount > Number(state.framework.get(KEY) ?? 0)) {
      // A seed does not bootstrap: in a ring with data a new one would answer for what it has not.
      const isNewRing = nodes.every(({ bootstrapped }) => !bootstrapped);
      for (let count = members; count < nodeCount; count += 1) {
        state.nodes.save(newNode(clusterName, state.nodes.nextNumber(), isNewRing && count < seedCount));
      }
    }
    state.framework.set(KEY, String(nodeCount));
    if (nodeCount < members) {
      log.warn(
        { nodeCount, nodes: members },
        'there are more nodes than the settings say: none is taken away by itself',
      );
    }
  });
}
