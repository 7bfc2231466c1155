// What a framework has refused: parts of offers that it does not want to see again for a while.
import type { Resource } from '../mesos/types.ts';
import { contains } from './resources.ts';

export interface Refusal {
  resources: readonly Resource[];
  /** Epoch milliseconds. */
  until: number;
}

/** One framework's refusals, by role and agent. */
export class Refusals {
  readonly #byRole = new Map<string, Map<string, Refusal[]>>();

  add(role: string, agentId: string, refusal: Refusal): void {
    const agents = this.#byRole.get(role) ?? new Map<string, Refusal[]>();
    this.#byRole.set(role, agents.set(agentId, [...(agents.get(agentId) ?? []), refusal]));
  }

  /** True while that, or more of everything, is refused: more of anything is worth an offer. */
  holdBack(role: string, agentId: string, resources: readonly Resource[], now: number): boolean {
    const refusals = this.#byRole.get(role)?.get(agentId) ?? [];
    return refusals.some((refusal) => refusal.until > now && contains(refusal.resources, resources));
  }

  clear(role: string): void {
    this.#byRole.delete(role);
  }

  clearAll(): void {
    this.#byRole.clear();
  }

  /** Forgets those whose time has come; returns the agents that they were about. */
  expire(now: number): string[] {
    const expired: string[] = [];
    for (const agents of this.#byRole.values()) {
      for (const [agentId, refusals] of agents) {
        const left = refusals.filter(({ until }) => until > now);
        if (left.length === refusals.length) continue;
        expired.push(agentId);
        if (left.length > 0) agents.set(agentId, left);
        else agents.delete(agentId);
      }
    }
    return expired;
  }
}
