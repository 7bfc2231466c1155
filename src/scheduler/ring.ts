import type { ClusterNode, TargetRunState } from '../model/node.ts';
import type { State } from '../state/database.ts';
import { OperatorError } from '../errors.ts';

export interface RingDeps {
  state: State;
  /** Called after every order: there is something to do. */
  wake: () => void;
}

/** What an operator may do to the nodes. Each order is stored before it returns; the scheduler carries it out. */
export class Ring {
  readonly #deps: RingDeps;

  constructor(deps: RingDeps) {
    this.#deps = deps;
  }

  /** Stops, starts or restarts a node. Throws NODE_NOT_FOUND, NODE_REPLACED. */
  order(executorId: string, action: 'stop' | 'start' | 'restart'): ClusterNode {
    const { state, wake } = this.#deps;
    const after = state.transaction(() => {
      const node = ordered(this.#get(executorId), action);
      state.nodes.save(node);
      return node;
    });
    wake();
    return after;
  }

  replace(executorId: string): { replaced: ClusterNode; replacement: ClusterNode } {
    throw notYet(`replace ${executorId}`);
  }

  scale(nodeCount: number): number {
    throw notYet(`scale to ${nodeCount}`);
  }

  setSeed(executorId: string, seed: boolean): { node: ClusterNode; changed: boolean } {
    throw notYet(`make ${executorId} ${seed ? 'a' : 'no'} seed`);
  }

  forget(executorId: string): ClusterNode {
    throw notYet(`forget ${executorId}`);
  }

  destroy(): void {
    throw notYet('destroy');
  }

  #get(executorId: string): ClusterNode {
    const node = this.#deps.state.nodes.get(executorId);
    if (node) return node;
    throw new OperatorError('NODE_NOT_FOUND', `Expected a node of this cluster, got ${executorId}`);
  }
}

function notYet(what: string): OperatorError {
  return new OperatorError('INTERNAL', `${what}: not supported by this version`);
}

/** What the order makes of the node. Pure. */
export function ordered(node: ClusterNode, action: 'stop' | 'start' | 'restart'): ClusterNode {
  if (action === 'stop') return { ...node, targetRunState: 'STOP' };
  // To restart what does not run is to start it; and whoever says start does not want to wait for the back-off.
  const running = node.serverState !== 'NONE';
  const targetRunState: TargetRunState = action === 'restart' && running ? 'RESTART' : 'RUN';
  return { ...node, targetRunState, launchNotBefore: null };
}
