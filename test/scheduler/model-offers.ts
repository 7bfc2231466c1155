import type { Id, Offer } from '../../src/mesos/types.ts';
import type { ModelAgent } from './model-agent.ts';

/** The offers that a framework has, and those that it does not want. */
export class ModelOffers {
  /** Of the framework. */
  readonly #identity: { frameworkId: string; role: string };
  readonly #offers = new Map<string, Offer>();
  /** Epoch ms until which an agent is not offered. */
  readonly #filters = new Map<string, number>();
  #numbers = 0;
  isSuppressed = false;

  constructor(identity: { frameworkId: string; role: string }) {
    this.#identity = identity;
  }

  get(id: string): Offer | undefined {
    return this.#offers.get(id);
  }

  /** What agents have free and was not offered already. */
  make(agents: ModelAgent[], now: number): Offer[] {
    if (this.isSuppressed) return [];
    return agents.flatMap((agent): Offer[] => {
      if (agent.standing !== 'REGISTERED' || (this.#filters.get(agent.id) ?? 0) > now) return [];
      const { free } = agent;
      for (const { agentId, resources } of this.#offers.values()) if (agentId.value === agent.id) free.take(resources);
      return free.isEmpty ? [] : [this.#offer(agent, free.resources)];
    });
  }

  #offer(agent: ModelAgent, resources: Offer['resources']): Offer {
    const { frameworkId, role } = this.#identity;
    const offer: Offer = {
      id: { value: `offer-${(this.#numbers += 1)}` },
      frameworkId: { value: frameworkId },
      agentId: { value: agent.id },
      hostname: agent.hostname,
      url: { scheme: 'http', address: { ip: agent.hostname, port: 5051 } },
      resources: resources.map((resource) => ({ ...resource, allocationInfo: { role } })),
      attributes: [],
      executorIds: [...agent.executors.keys()].map((value) => ({ value })),
      allocationInfo: { role },
    };
    this.#offers.set(offer.id.value, offer);
    return offer;
  }

  /** What is left of it is not offered again for that long. */
  end({ value }: Id, until: number): void {
    const offer = this.#offers.get(value);
    if (offer) this.#filters.set(offer.agentId.value, until);
    this.#offers.delete(value);
  }

  /** Ids of the agent's offers, which are void from now on. */
  rescind(agentId: string): string[] {
    const ids = [...this.#offers.values()].filter((offer) => offer.agentId.value === agentId).map(({ id }) => id.value);
    for (const id of ids) this.#offers.delete(id);
    return ids;
  }

  revive(): void {
    this.isSuppressed = false;
    this.#filters.clear();
  }

  /** As for a framework that has just subscribed. */
  reset(): void {
    this.revive();
    this.#offers.clear();
  }
}
