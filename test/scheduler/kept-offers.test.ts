import test from 'ava';
import { encodeExecutorInfo } from '../../src/mesos/messages.ts';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { KeptOffers, type Coming } from '../../src/scheduler/kept-offers.ts';
import { onOffers } from '../../src/scheduler/offers.ts';
import { currentNeeds } from '../../src/scheduler/needs.ts';
import { pastPreflight } from '../helpers/past-preflight.ts';
import { aNode, anOffer, runningNode } from './helpers.ts';
import { placing } from './placing.ts';

const NOTHING: Coming = { steps: new Set(), newNodes: 0 };
const hosts = (offers: { hostname: string }[]): string[] => offers.map(({ hostname }) => hostname);
const declined = (calls: SchedulerCall[]): string[] =>
  calls.flatMap((call) => (call.type === 'DECLINE' ? call.decline.offerIds : [])).map(({ value }) => value);
const launched = (calls: SchedulerCall[]): string[] =>
  calls
    .flatMap((call) => (call.type === 'ACCEPT' ? call.accept.operations : []))
    .flatMap((operation) => (operation.type === 'LAUNCH' ? operation.launch.taskInfos : []))
    .map(({ taskId }) => taskId.value);

function running(number: number): ClusterNode {
  const { executorId } = runningNode(number);
  const executorInfo = encodeExecutorInfo({ executorId: { value: executorId }, command: { value: 'executor' } });
  return runningNode(number, { executorInfo });
}

const offerOf = (number: number) =>
  anOffer(`127.0.0.${number + 1}`, { executors: [`cassandra.dev.node.${number}.executor`] });

test('a serial backup keeps the offers of the nodes to come, and needs no other ones', async (t) => {
  const keptOffers = new KeptOffers();
  const context = { ...placing(t, [running(0), running(1), running(2)]), keptOffers };
  await context.jobs.start('BACKUP', { name: 'b1', nodes: [1, 2].map((n) => running(n).executorId) });
  const job = context.jobs.running();
  context.jobs.update(job?.id ?? 0, pastPreflight);
  await onOffers(context, [offerOf(0), offerOf(1), offerOf(2)]);
  t.deepEqual(launched(context.calls), [`${running(1).executorId}.BACKUP.${job?.id}.backup.1`]);
  t.deepEqual(declined(context.calls), ['offer-127.0.0.1']);
  t.deepEqual(keptOffers.takeFor(currentNeeds(context)), []);
  context.jobs.update(job?.id ?? 0, (current) => ({
    ...current,
    phases: current.phases.map((phase, index) => ({
      ...phase,
      steps: phase.steps.map((step) =>
        index === 1 && step.state === 'LAUNCHING' ? { ...step, state: 'SUCCESS' } : step,
      ),
    })),
  }));
  await onOffers(context, keptOffers.takeFor(currentNeeds(context)));
  t.deepEqual(launched(context.calls).slice(1), [`${running(2).executorId}.BACKUP.${job?.id}.backup.1`]);
});

test('offers are kept for nodes that will join, one for each', async (t) => {
  const keptOffers = new KeptOffers();
  const context = { ...placing(t, [aNode(0), aNode(1), aNode(2)]), keptOffers };
  await onOffers(
    context,
    ['a', 'b', 'c', 'd', 'e'].map((host) => anOffer(host)),
  );
  t.is(launched(context.calls).length, 1);
  t.deepEqual(declined(context.calls), ['offer-e']);
  const [first] = context.state.nodes.all();
  const { serverState, health, bootstrapped } = running(0);
  context.state.nodes.save({ ...(first ?? running(0)), serverState, health, bootstrapped });
  t.deepEqual(hosts(keptOffers.takeFor(currentNeeds(context))), ['b']);
});

test('an offer is given back when nobody needs it any more, and when it was kept for 5 s', (t) => {
  const kept = new KeptOffers();
  const coming: Coming = { steps: new Set(['one', 'two']), newNodes: 0 };
  t.true(kept.keep(anOffer('a'), 'one', coming, 0));
  t.true(kept.keep(anOffer('b'), 'two', coming, 1_000));
  t.false(kept.keep(anOffer('c'), 'three', coming, 0));
  t.deepEqual(kept.takeOver(coming, 4_999), []);
  t.deepEqual(hosts(kept.takeOver(coming, 5_000)), ['a']);
  t.deepEqual(hosts(kept.takeOver(NOTHING, 5_000)), ['b']);
  t.deepEqual(kept.takeOver(NOTHING, 90_000), []);
});

test('fifty offers are kept at most', (t) => {
  const kept = new KeptOffers();
  const keeps = Array.from({ length: 60 }, (_, host) =>
    kept.keep(anOffer(`${host}`), null, { ...NOTHING, newNodes: 60 }, 0),
  );
  t.is(keeps.filter(Boolean).length, 50);
});

test('an offer that the master took back, or that was of an earlier subscription, is not used', (t) => {
  const kept = new KeptOffers();
  const coming: Coming = { ...NOTHING, newNodes: 9 };
  for (const host of ['a', 'b']) kept.keep(anOffer(host), null, coming, 0);
  kept.hear({ type: 'RESCIND', rescind: { offerId: { value: 'offer-a' } } });
  t.deepEqual(hosts(kept.takeFor([{ kind: 'server', node: aNode(0) }])), ['b']);
  kept.keep(anOffer('c'), null, coming, 0);
  kept.hear({ type: 'SUBSCRIBED', subscribed: { frameworkId: { value: 'fw' } } });
  t.deepEqual(kept.takeFor([{ kind: 'server', node: aNode(0) }]), []);
});
