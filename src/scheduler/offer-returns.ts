import type { Id, SchedulerCall, SchedulerClient, SchedulerEvent } from '../mesos/types.ts';

/**
 * A client that gives offers back whose ACCEPT or DECLINE failed: the master would hold their resources for us for
 * ever, and an ACCEPT that it has yet to read must not be carried out after all.
 */
export class OfferReturns implements SchedulerClient {
  readonly #client: SchedulerClient;
  readonly #held = new Map<string, Id>();

  constructor(client: SchedulerClient) {
    this.#client = client;
  }

  get subscribed(): boolean {
    return this.#client.subscribed;
  }

  run(onEvent: (event: SchedulerEvent) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#client.run((event) => {
      // With a new subscription all offers of the old one are void.
      if (event.type === 'SUBSCRIBED') this.#held.clear();
      return onEvent(event);
    }, signal);
  }

  async call(call: SchedulerCall): Promise<void> {
    const offerIds = offerIdsOf(call);
    try {
      await this.#client.call(call);
      for (const { value } of offerIds) this.#held.delete(value);
    } catch (error) {
      for (const id of offerIds) this.#held.set(id.value, id);
      throw error;
    }
  }

  /** The call that gives them back; null when there are none. */
  get declineHeld(): SchedulerCall | null {
    const offerIds = [...this.#held.values()];
    return offerIds.length === 0 ? null : { type: 'DECLINE', decline: { offerIds } };
  }
}

function offerIdsOf(call: SchedulerCall): Id[] {
  if (call.type === 'ACCEPT') return call.accept.offerIds;
  return call.type === 'DECLINE' ? call.decline.offerIds : [];
}
