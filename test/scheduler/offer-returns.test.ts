import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import type { SchedulerCall, SchedulerEvent } from '../../src/mesos/types.ts';
import { OfferReturns } from '../../src/scheduler/offer-returns.ts';

const DECLINE: SchedulerCall = { type: 'DECLINE', decline: { offerIds: [{ value: 'o-1' }, { value: 'o-2' }] } };
const SUBSCRIBED: SchedulerEvent = { type: 'SUBSCRIBED', subscribed: { frameworkId: { value: 'fw' } } };

function returns() {
  const master = { takes: false, handle: (_event: SchedulerEvent): unknown => undefined };
  const client = new OfferReturns({
    subscribed: true,
    run: (onEvent) => {
      master.handle = onEvent;
      return Promise.resolve();
    },
    call: () => (master.takes ? Promise.resolve() : Promise.reject(new OperatorError('MESOS_UNAVAILABLE', 'away'))),
  });
  return { master, client };
}

test('offers whose call failed are given back until the master has heard of it', async (t) => {
  const { master, client } = returns();
  await t.throwsAsync(client.call({ type: 'ACCEPT', accept: { offerIds: [{ value: 'o-1' }], operations: [] } }));
  await t.throwsAsync(client.call(DECLINE));
  t.deepEqual(client.declineHeld, DECLINE);
  await t.throwsAsync(client.call(client.declineHeld ?? DECLINE));
  t.deepEqual(client.declineHeld, DECLINE);
  master.takes = true;
  await client.call(DECLINE);
  t.is(client.declineHeld, null);
});

test('a new subscription voids the offers of the old one', async (t) => {
  const { master, client } = returns();
  await client.run(() => undefined, new AbortController().signal);
  await t.throwsAsync(client.call(DECLINE));
  await master.handle(SUBSCRIBED);
  t.is(client.declineHeld, null);
});
