import test from 'ava';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { aNode } from './helpers.ts';

function timed() {
  let now = 1000;
  const clock = { now: () => now, sleep: () => Promise.reject(new Error('nothing sleeps here')) };
  return { lastOffers: new LastOffers(clock), pass: (ms: number) => void (now += ms) };
}

const report = (host: string, reason = 'nothing to launch') => ({
  agentId: `agent-${host}`,
  hostname: host,
  launched: [],
  reason,
});

test('of each agent only its last offer is told, by host', (t) => {
  const { lastOffers, pass } = timed();
  lastOffers.record(report('b'));
  lastOffers.record(report('a', 'too small'));
  pass(5);
  lastOffers.record(report('a', 'used'));
  t.like(lastOffers.offers(), [
    { hostname: 'a', reason: 'used', received: 1005 },
    { hostname: 'b', received: 1000 },
  ]);
});

test('agents that were not heard of for a day are forgotten', (t) => {
  const { lastOffers, pass } = timed();
  lastOffers.record(report('gone'));
  lastOffers.record(report('here'));
  pass(23 * 3_600_000);
  lastOffers.record(report('here'));
  pass(2 * 3_600_000);
  lastOffers.record(report('new'));
  t.deepEqual(
    lastOffers.offers().map(({ hostname }) => hostname),
    ['here', 'new'],
  );
});

test('no more agents are kept than Mesos has', (t) => {
  const { lastOffers } = timed();
  for (let host = 0; host < 10_010; host += 1) lastOffers.record(report(`h${host}`));
  t.is(lastOffers.offers().length, 10_000);
});

test('a need remembers why it was declined until it is met', (t) => {
  const { lastOffers } = timed();
  const need = { kind: 'server' as const, node: aNode(0) };
  t.is(lastOffers.reasonOf(need), null);
  lastOffers.declined(need, 'too small');
  t.is(lastOffers.reasonOf({ ...need, node: { ...need.node, launches: 1 } }), 'too small');
  lastOffers.met(need);
  t.is(lastOffers.reasonOf(need), null);
});
