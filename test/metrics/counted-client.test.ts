import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { countedClient } from '../../src/metrics/counted-client.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import type { SchedulerClient } from '../../src/mesos/types.ts';
import { anOffer } from '../scheduler/helpers.ts';
import { samples } from './samples.ts';

test('Offers are counted as they come and as they are used, calls by what became of them', async (t) => {
  let reachable = true;
  const master: SchedulerClient = {
    subscribed: true,
    run: async (onEvent) => {
      await onEvent({ type: 'OFFERS', offers: { offers: [anOffer('a'), anOffer('b'), anOffer('c')] } });
    },
    call: () => (reachable ? Promise.resolve() : Promise.reject(new OperatorError('MESOS_UNAVAILABLE', 'no master'))),
  };
  const metrics = new Metrics();
  const client = countedClient(master, metrics.mesos);
  t.true(client.subscribed);
  await client.run(() => undefined, new AbortController().signal);
  await client.call({ type: 'ACCEPT', accept: { offerIds: [{ value: 'a' }], operations: [] } });
  await client.call({ type: 'DECLINE', decline: { offerIds: [{ value: 'b' }, { value: 'c' }] } });
  reachable = false;
  await t.throwsAsync(client.call({ type: 'REVIVE' }), { code: 'MESOS_UNAVAILABLE' });
  const shown = samples(await metrics.render());
  t.is(shown.get('cassandra_mesos_offers_received_total'), 3);
  t.is(shown.get('cassandra_mesos_offers_used_total'), 1);
  t.is(shown.get('cassandra_mesos_offers_declined_total'), 2);
  t.is(shown.get('cassandra_mesos_master_calls_total{type="ACCEPT",result="acknowledged"}'), 1);
  t.is(shown.get('cassandra_mesos_master_calls_total{type="REVIVE",result="lost"}'), 1);
});
