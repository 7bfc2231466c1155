// Which framework is offered which agent's free resources: pure decisions.
import type { Resource } from '../mesos/types.ts';
import type { Refusals } from './refusals.ts';
import { offerable, scalar, subtract } from './resources.ts';

/** A framework in one of its roles. */
export interface Candidate {
  frameworkId: string;
  role: string;
  refusals: Pick<Refusals, 'holdBack'>;
}

export interface FreeAgent {
  agentId: string;
  /** Without what is offered to anyone already: who holds an offer of the agent may get another one. */
  free: readonly Resource[];
}

export interface Allocation {
  frameworkId: string;
  role: string;
  agentId: string;
  resources: readonly Resource[];
}

/** Mesos offers nothing that is smaller than both: it could not run anything. */
const MIN_CPUS = 0.01;
const MIN_MEM_MB = 32;

/**
 * Every agent's free resources go to the first candidate that may have them: the unreserved with those reserved for
 * its role. What is left is reserved for others, who may get it. `candidates` are in the order of their turn.
 */
export function allocations(agents: readonly FreeAgent[], candidates: readonly Candidate[], now: number): Allocation[] {
  return agents.flatMap(({ agentId, free }) => {
    let left = free;
    return candidates.flatMap(({ frameworkId, role, refusals }) => {
      const resources = offerable(left, role);
      if (isTooLittle(resources) || refusals.holdBack(role, agentId, resources, now)) return [];
      left = subtract(left, resources);
      return [{ frameworkId, role, agentId, resources }];
    });
  });
}

function isTooLittle(resources: readonly Resource[]): boolean {
  return scalar(resources, 'cpus') < MIN_CPUS && scalar(resources, 'mem') < MIN_MEM_MB;
}
