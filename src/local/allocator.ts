// Which framework is offered which agent's free resources: pure decisions.
import type { Resource } from '../mesos/types.ts';
import { contains, scalar } from './resources.ts';

/** A declined (or not used) part of an offer: the framework does not want to see as much or less of it until then. */
export interface Filter {
  agentId: string;
  resources: readonly Resource[];
  /** Epoch milliseconds. */
  until: number;
}

export interface Candidate {
  frameworkId: string;
  suppressed: boolean;
  filters: readonly Filter[];
  /** Agents of which it holds an offer: it gets no second one. */
  offered: ReadonlySet<string>;
}

export interface FreeAgent {
  agentId: string;
  free: readonly Resource[];
}

export interface Allocation {
  frameworkId: string;
  agentId: string;
  resources: readonly Resource[];
}

/** Mesos offers nothing that is smaller than both: it could not run anything. */
const MIN_CPUS = 0.01;
const MIN_MEM_MB = 32;

/**
 * Every agent's free resources as a whole go to the first framework that may have them. `candidates` are in the
 * order of their turn.
 */
export function allocations(agents: readonly FreeAgent[], candidates: readonly Candidate[], now: number): Allocation[] {
  return agents.flatMap(({ agentId, free }) => {
    if (scalar(free, 'cpus') < MIN_CPUS && scalar(free, 'mem') < MIN_MEM_MB) return [];
    const taker = candidates.find(
      ({ suppressed, filters, offered }) =>
        !suppressed && !offered.has(agentId) && !isFiltered(filters, { agentId, free }, now),
    );
    return taker ? [{ frameworkId: taker.frameworkId, agentId, resources: free }] : [];
  });
}

/** A filter holds back what is within the refused resources: more of anything is worth an offer. */
export function isFiltered(filters: readonly Filter[], { agentId, free }: FreeAgent, now: number): boolean {
  return filters.some((filter) => filter.agentId === agentId && filter.until > now && contains(filter.resources, free));
}
