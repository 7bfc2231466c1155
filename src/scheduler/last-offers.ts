import type { Clock } from '../clock.ts';
import type { OfferReport } from '../model/offer-report.ts';
import type { Need } from './wanted.ts';

/** Agents that offered nothing for so long are forgotten; a declined agent is silent for hours. */
const FORGET_MS = 24 * 3_600_000;
const MAX_AGENTS = 10_000;

/** What became of each agent's last offer, and why what is wanted was not launched. In memory only. */
export class LastOffers {
  readonly #clock: Clock;
  /** By agent, the one heard of longest ago in front. */
  readonly #reports = new Map<string, OfferReport>();
  readonly #reasons = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(report: Omit<OfferReport, 'received'>): void {
    const now = this.#clock.now();
    this.#reports.delete(report.agentId);
    this.#reports.set(report.agentId, { ...report, received: now });
    for (const { agentId, received } of this.#reports.values()) {
      if (this.#reports.size <= MAX_AGENTS && now - received <= FORGET_MS) break;
      this.#reports.delete(agentId);
    }
  }

  /** By host. */
  offers(): OfferReport[] {
    return [...this.#reports.values()].toSorted((a, b) => a.hostname.localeCompare(b.hostname));
  }

  declined(need: Need, reason: string): void {
    this.#reasons.set(keyOf(need), reason);
  }

  met(need: Need): void {
    this.#reasons.delete(keyOf(need));
  }

  /** Why the last offer that was considered for it did not do. Null: there was none. */
  reasonOf(need: Need): string | null {
    return this.#reasons.get(keyOf(need)) ?? null;
  }
}

function keyOf({ kind, node }: Need): string {
  return `${kind} ${node.executorId}`;
}
