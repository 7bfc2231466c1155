import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import { currentPhase } from '../jobs/next-steps.ts';
import type { Offer, SchedulerEvent } from '../mesos/types.ts';
import type { State } from '../state/database.ts';
import type { Need } from './wanted.ts';

/** Enough that one REVIVE serves many short steps, and few beside the agents that a ring of thousands has. */
const MOST = 50;
/** Others may want what is offered: whoever works longer than this can wait for another offer as well. */
const KEEP_MS = 5_000;

interface Kept {
  offer: Offer;
  /** The node on that host; null: it has none. */
  executorId: string | null;
  /** Epoch ms. */
  until: number;
}

/**
 * Offers of agents that are wanted next. To ask for one agent's offer is to be offered all agents, thousands of them;
 * so a serial job, or a ring whose nodes join one by one, keeps some of these for the turns to come.
 */
export class KeptOffers {
  readonly #kept = new Map<string, Kept>();

  /** The offer was taken back, or all of them were. */
  hear(event: SchedulerEvent): void {
    if (event.type === 'RESCIND') this.#kept.delete(event.rescind.offerId.value);
    else if (event.type === 'SUBSCRIBED') this.#kept.clear();
  }

  /** Keeps an offer that nothing is launched on now, if something soon will be; false: it is to be declined. */
  keep(offer: Offer, executorId: string | null, coming: Coming, now: number): boolean {
    const isWanted = executorId === null ? this.#free().length < coming.newNodes : coming.steps.has(executorId);
    if (!isWanted || this.#kept.size >= MOST) return false;
    this.#kept.set(offer.id.value, { offer, executorId, until: now + KEEP_MS });
    return true;
  }

  /** Hands out those that the needs may be met with. */
  takeFor(needs: readonly Need[]): Offer[] {
    if (this.#kept.size === 0) return [];
    const nodes = new Set(needs.map(({ node }) => node.executorId));
    const isJoining = needs.some(({ kind, node }) => kind === 'server' && node.hostname === null);
    const placed = [...this.#kept.values()].filter(({ executorId }) => executorId !== null && nodes.has(executorId));
    // Nodes join one at a time.
    return this.#take([...placed, ...this.#free().slice(0, isJoining ? 1 : 0)]);
  }

  /** Hands out those that were kept for too long, or for what is not to come any more. */
  takeOver(coming: Coming, now: number): Offer[] {
    const over = [...this.#kept.values()].filter(({ executorId, until }) => {
      const isWanted = executorId === null ? coming.newNodes > 0 : coming.steps.has(executorId);
      return !isWanted || until <= now;
    });
    return this.#take(over);
  }

  #free(): Kept[] {
    return [...this.#kept.values()].filter(({ executorId }) => executorId === null);
  }

  #take(kept: Kept[]): Offer[] {
    for (const { offer } of kept) this.#kept.delete(offer.id.value);
    return kept.map(({ offer }) => offer);
  }
}

/** What will be wanted when what is wanted now is there. */
export interface Coming {
  /** Nodes whose step has its turn soon. */
  steps: ReadonlySet<string>;
  /** How many nodes have no place yet. */
  newNodes: number;
}

export function comingSoon({
  state,
  jobs,
}: {
  state: Pick<State, 'nodes'>;
  jobs: Pick<ClusterJobs, 'running'>;
}): Coming {
  const job = jobs.running();
  const phase = job?.phases[currentPhase(job)];
  // Restarts are no tasks.
  const waiting = phase?.name === 'restart' ? [] : (phase?.steps.filter((step) => step.state === 'PENDING') ?? []);
  const unplaced = state.nodes
    .all()
    .filter(({ targetRunState, hostname }) => targetRunState === 'RUN' && hostname === null);
  const next = waiting.slice(0, (phase?.concurrency ?? 0) + MOST);
  return { steps: new Set(next.map(({ executorId }) => executorId)), newNodes: unplaced.length };
}
