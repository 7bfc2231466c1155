import test from 'ava';
import { OfferInterest } from '../../src/scheduler/offer-interest.ts';

test('offers are asked for when something new is wanted, and again after a while', (t) => {
  const interest = new OfferInterest();
  const call = (needs: string[], now: number) => interest.next(needs, 3, now).call;
  t.is(call(['a'], 0), 'REVIVE');
  t.is(call(['a'], 1_000), null);
  t.is(call(['a', 'b'], 2_000), 'REVIVE');
  t.is(call(['a'], 3_000), null);
  t.is(call(['a', 'b'], 4_000), 'REVIVE', 'b was not wanted meanwhile');
  t.is(call(['a', 'b'], 14_000), 'REVIVE');
});

test('when nothing is wanted the master is told so, once', (t) => {
  const interest = new OfferInterest();
  t.is(interest.next([], 3, 0).call, 'SUPPRESS');
  t.is(interest.next([], 3, 60_000).call, null);
  interest.reset();
  t.is(interest.next([], 3, 60_000).call, 'SUPPRESS');
});

test('with thousands of agents offers are asked for ever more rarely, however fast needs change', (t) => {
  const interest = new OfferInterest();
  t.is(interest.next(['a'], 5_000, 0).call, 'REVIVE');
  t.deepEqual(interest.next(['b'], 5_000, 100), { call: null, waitMs: 900 });
  t.deepEqual(interest.next(['b'], 5_000, 1_000), { call: 'REVIVE', waitMs: null });
});
