import { randomUUID } from 'node:crypto';
import { OperatorError } from '../errors.ts';
import type { State } from '../state/database.ts';

/**
 * Stores the id that the master gave. Throws MESOS_REFUSED when this state belongs to another framework: its tasks and
 * reservations would be given up without a word.
 */
export function rememberFramework(state: State, frameworkId: string): void {
  const known = state.framework.get('frameworkId');
  if (known === null) state.framework.set('frameworkId', frameworkId);
  if (known === null || known === frameworkId) return;
  throw new OperatorError('MESOS_REFUSED', `Expected the master to take framework ${known} back, got ${frameworkId}`, {
    hint: 'Check that --master names the cluster that this state belongs to.',
  });
}

/**
 * For a framework that the master has removed: the next subscription is a new one. The master has ended all of its
 * tasks, so the nodes have none; their places, data and reservations (which belong to the role) are kept, and so
 * are the running job's steps: their tasks are found lost by reconciliation, and tried again.
 */
export function forgetFramework(state: State): void {
  state.transaction(() => {
    state.framework.delete('frameworkId');
    for (const node of state.nodes.all()) {
      state.nodes.save({
        ...node,
        executorInfo: null,
        serverTaskId: null,
        serverState: 'NONE',
        launchNotBefore: null,
        health: null,
        healthAt: null,
      });
    }
  });
}

/** Which scheduler this is, for locks at locations: the same as long as its state is, whatever framework it runs as. */
export function schedulerId({ framework }: Pick<State, 'framework'>): string {
  const known = framework.get('schedulerId');
  if (known !== null) return known;
  const made = randomUUID();
  framework.set('schedulerId', made);
  return made;
}
