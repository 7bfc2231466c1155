import type { State } from '../state/database.ts';

const KEY = 'destroy';

/** How far the end of the whole cluster is: null: nobody wants it; DONE: the master has forgotten the framework. */
export type DestroyStage = 'WANTED' | 'DONE' | null;

export function destroyStage(state: State): DestroyStage {
  const stage = state.framework.get(KEY);
  return stage === 'WANTED' || stage === 'DONE' ? stage : null;
}

export function orderDestroy(state: State): void {
  state.framework.set(KEY, 'WANTED');
}

/** All nodes are gone, and so is the framework: its id is worth nothing any more. */
export function destroyDone(state: State): void {
  state.transaction(() => {
    state.framework.delete('frameworkId');
    state.framework.set(KEY, 'DONE');
  });
}
