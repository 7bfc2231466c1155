/** Offers for what is wanted may have been filtered or lost: asked for again that often. */
const REPEAT_REVIVE_MS = 10_000;
/** Every agent answers a REVIVE with an offer: this bounds how many of them come, however fast needs change. */
const REVIVE_MS_PER_AGENT = 0.2;

export type OfferCall = 'REVIVE' | 'SUPPRESS';

/**
 * When to ask the master for offers, and when to tell it that none are wanted. REVIVE clears all filters, so it is for
 * new needs only, and now and then: an offer that was declined would come back at once.
 */
export class OfferInterest {
  /** What was wanted when offers were last asked for; null: the master may think anything. */
  #asked: Set<string> | null = null;
  #revivedAt = Number.NEGATIVE_INFINITY;

  /** A new subscription: nothing that was said before holds. */
  reset(): void {
    this.#asked = null;
  }

  /** What to send now, and in how many ms to ask again when it is too early for what is wanted. */
  next(needs: string[], agents: number, now: number): { call: OfferCall | null; waitMs: number | null } {
    const asked = this.#asked;
    if (needs.length === 0) {
      this.#asked = new Set();
      return { call: asked?.size === 0 ? null : 'SUPPRESS', waitMs: null };
    }
    const isNew = asked === null || needs.some((need) => !asked.has(need));
    const sinceMs = now - this.#revivedAt;
    if (!isNew && sinceMs < REPEAT_REVIVE_MS) {
      // What is not wanted for a while and then again is new then.
      this.#asked = new Set(needs);
      return { call: null, waitMs: null };
    }
    const waitMs = agents * REVIVE_MS_PER_AGENT - sinceMs;
    if (asked !== null && waitMs > 0) return { call: null, waitMs };
    this.#asked = new Set(needs);
    this.#revivedAt = now;
    return { call: 'REVIVE', waitMs: null };
  }
}
