import type { Counter } from 'prom-client';
import type { SchedulerCall, SchedulerClient, SchedulerEvent } from '../mesos/types.ts';

/** What is counted of the talk with the master. */
export interface MesosCounters {
  offersReceived: Counter;
  offersUsed: Counter;
  offersDeclined: Counter;
  calls: Counter<'type' | 'result'>;
}

/** The same client, counted. */
export function countedClient(client: SchedulerClient, counters: MesosCounters): SchedulerClient {
  return {
    get subscribed() {
      return client.subscribed;
    },
    run: (onEvent, signal) =>
      client.run((event: SchedulerEvent) => {
        if (event.type === 'OFFERS') counters.offersReceived.inc(event.offers.offers.length);
        return onEvent(event);
      }, signal),
    async call(call) {
      const { type } = call;
      try {
        await client.call(call);
      } catch (error) {
        counters.calls.inc({ type, result: 'lost' });
        throw error;
      }
      counters.calls.inc({ type, result: 'acknowledged' });
      countOffers(call, counters);
    },
  };
}

function countOffers(call: SchedulerCall, { offersUsed, offersDeclined }: MesosCounters): void {
  if (call.type === 'ACCEPT') offersUsed.inc(call.accept.offerIds.length);
  if (call.type === 'DECLINE') offersDeclined.inc(call.decline.offerIds.length);
}
