import { OperatorError } from '../errors.ts';
import type { ClusterNode } from '../model/node.ts';
import type { State } from '../state/database.ts';
import { destroyStage, orderDestroy } from './destroy.ts';
import { checkIsMember, checkNoJob, destroyed, forgotten, newMember, nodesToAdd, ordered, withSeed } from './orders.ts';
import { checkReplaceable, replaceNode } from './replacement.ts';

export interface RingDeps {
  state: State;
  /** Called after every order: there is something to do. */
  wake: () => void;
}

/**
 * What an operator may do to the nodes. Each order is one transaction, stored before it returns, or refused before
 * anything is changed; the scheduler carries it out.
 */
export class Ring {
  readonly #deps: RingDeps;

  constructor(deps: RingDeps) {
    this.#deps = deps;
  }

  /** Stops, starts or restarts a node. Throws NODE_NOT_FOUND, NODE_REPLACED. */
  order(executorId: string, action: 'stop' | 'start' | 'restart'): ClusterNode {
    return this.#store((state) => {
      const node = this.#get(executorId);
      checkIsMember(node, state.nodes.all());
      const after = ordered(node, action);
      state.nodes.save(after);
      return after;
    });
  }

  /**
   * A new node takes the place and the tokens of a dead one. Throws NODE_NOT_FOUND, NODE_REPLACED, JOB_RUNNING, and
   * BAD_REQUEST with what stands against it.
   */
  replace(executorId: string): { replaced: ClusterNode; replacement: ClusterNode } {
    return this.#store((state) => {
      const node = this.#get(executorId);
      const nodes = state.nodes.all();
      checkReplaceable(node, nodes);
      checkNoJob(state.jobs.running(), 'a replacement');
      const result = replaceNode(node, nodes, state.nodes.nextNumber());
      state.nodes.save(result.replaced);
      state.nodes.save(result.replacement);
      return result;
    });
  }

  /** Adds nodes until there are so many; returns how many there are. Throws BAD_REQUEST. */
  scale(nodeCount: number): number {
    return this.#store((state) => {
      this.#checkNotDestroyed();
      const nodes = state.nodes.all();
      const count = nodesToAdd(nodeCount, nodes);
      for (let added = 0; added < count; added += 1) state.nodes.save(newMember(nodes, state.nodes.nextNumber()));
      return nodeCount;
    });
  }

  /** Throws NODE_NOT_FOUND, NODE_REPLACED, BAD_REQUEST ("Must not remove the last live seed node"). */
  setSeed(executorId: string, seed: boolean): { node: ClusterNode; changed: boolean } {
    return this.#store((state) => {
      const before = this.#get(executorId);
      const nodes = state.nodes.all();
      checkIsMember(before, nodes);
      const node = withSeed(before, seed, nodes);
      if (node !== before) state.nodes.save(node);
      return { node, changed: node !== before };
    });
  }

  /** Throws NODE_NOT_FOUND, and BAD_REQUEST for a member of the ring. */
  forget(executorId: string): ClusterNode {
    return this.#store((state) => {
      const node = forgotten(this.#get(executorId));
      state.nodes.save(node);
      return node;
    });
  }

  /** Everything is to go, for good; a second time changes nothing. Throws JOB_RUNNING. */
  destroy(): void {
    this.#store((state) => {
      if (destroyStage(state) !== null) return;
      checkNoJob(state.jobs.running(), 'the end of the cluster');
      orderDestroy(state);
      for (const node of state.nodes.all()) state.nodes.save(destroyed(node));
    });
  }

  #store<T>(order: (state: State) => T): T {
    const { state, wake } = this.#deps;
    const result = state.transaction(() => order(state));
    wake();
    return result;
  }

  #checkNotDestroyed(): void {
    if (destroyStage(this.#deps.state) === null) return;
    throw new OperatorError('BAD_REQUEST', 'The cluster is being destroyed: no node can be added', {
      hint: 'Start a new cluster with a state directory of its own.',
    });
  }

  #get(executorId: string): ClusterNode {
    const node = this.#deps.state.nodes.get(executorId);
    if (node) return node;
    throw new OperatorError('NODE_NOT_FOUND', `Expected a node of this cluster, got ${executorId}`);
  }
}
