/** What became of the last offer of an agent. */
export interface OfferReport {
  agentId: string;
  hostname: string;
  /** Epoch ms. */
  received: number;
  /** Task ids; none: declined. */
  launched: string[];
  /** Why it, or the rest of it, was not used. */
  reason: string;
}

/** What is to be launched and is not yet, and why not. */
export interface WaitingNeed {
  executorId: string;
  kind: 'server' | 'step' | 'release';
  /** Waits for an offer, or for what stands here. */
  reason: string;
}
