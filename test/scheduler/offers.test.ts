import test from 'ava';
import { decodeNodeTask } from '../../src/mesos/messages.ts';
import type { Offer, Resource, SchedulerCall } from '../../src/mesos/types.ts';
import { onOffers } from '../../src/scheduler/offers.ts';
import { waitingNeeds } from '../../src/scheduler/needs.ts';
import { aNode, anOffer, runningNode, settings, withRole } from './helpers.ts';
import { placing } from './placing.ts';

const declines = (calls: SchedulerCall[]) => calls.flatMap((call) => (call.type === 'DECLINE' ? [call.decline] : []));
const accepts = (calls: SchedulerCall[]) => calls.flatMap((call) => (call.type === 'ACCEPT' ? [call.accept] : []));

test('all offers of an event that are declined for the same time go in one call', async (t) => {
  const context = placing(t, [runningNode(0), aNode(1)]);
  const small = Array.from({ length: 50 }, (_, host) => anOffer(`small-${host}`, { cpus: 0.5 }));
  const unfit = Array.from({ length: 50 }, (_, host) => anOffer(`unfit-${host}`, { ports: [] }));
  await onOffers(context, [...small, ...unfit]);
  t.deepEqual(
    declines(context.calls).map(({ offerIds, filters }) => [offerIds.length, filters?.refuseSeconds]),
    [
      [50, 5],
      [50, 14_400],
    ],
  );
});

test('with nothing wanted offers are declined for long', async (t) => {
  const context = placing(t, [runningNode(0)]);
  await onOffers(context, [anOffer('127.0.0.1'), anOffer('127.0.0.2')]);
  t.like(declines(context.calls), [{ offerIds: { length: 2 }, filters: { refuseSeconds: 14_400 } }]);
});

test('each offer is answered once, and no node is launched twice', async (t) => {
  const context = placing(t, [aNode(0), aNode(1), aNode(2)]);
  await onOffers(
    context,
    ['a', 'b', 'c'].map((host) => anOffer(host)),
  );
  t.is(accepts(context.calls).length, 1);
  const answered = [...accepts(context.calls), ...declines(context.calls)].flatMap(({ offerIds }) => offerIds);
  t.deepEqual(answered.map(({ value }) => value).toSorted(), ['offer-a', 'offer-b', 'offer-c']);
});

test('what a launch decides is stored before it is sent', async (t) => {
  const context = placing(t, [aNode(0)]);
  const offer: Offer = {
    ...anOffer('127.0.0.1'),
    attributes: [{ name: 'CASSANDRA_RACK', type: 'TEXT', text: { value: 'R7' } }],
    domain: { faultDomain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } },
  };
  const call = context.client.call.bind(context.client);
  context.client.call = async (sent) => {
    t.like(context.state.nodes.all(), [{ serverState: 'LAUNCHING', launches: 1 }]);
    await call(sent);
  };
  await onOffers(context, [offer]);
  t.like(context.state.nodes.all(), [
    {
      hostname: '127.0.0.1',
      agentId: 'agent-127.0.0.1',
      serverTaskId: 'cassandra.dev.node.0.executor.server.1',
      rack: 'R7',
      datacenter: 'eu',
      attributes: { CASSANDRA_RACK: 'R7', '@region': 'eu', '@zone': 'eu-1' },
      launchedWith: { heapMb: 512 },
      reservation: null,
    },
  ]);
  const [launch] = accepts(context.calls)[0]?.operations ?? [];
  if (launch?.type !== 'LAUNCH') throw t.fail('expected a launch');
  const [task] = launch.launch.taskInfos;
  t.like(decodeNodeTask(task?.data ?? new Uint8Array()), {
    server: { rack: 'R7', datacenter: 'eu', dataDirectories: ['/data'], seeds: ['127.0.0.1'] },
  });
});

const allocated = (offer: Offer): Offer => ({
  ...offer,
  resources: offer.resources.map((resource): Resource => ({ ...resource, allocationInfo: { role: 'cassandra' } })),
});

test('with a role a first launch reserves, makes the volume and launches on it, in one call', async (t) => {
  const context = placing(t, [aNode(0)], withRole);
  await onOffers(context, [allocated(anOffer('127.0.0.1'))]);
  const [accept] = accepts(context.calls);
  t.deepEqual(
    accept?.operations.map((operation) => [operation.type, 'id' in operation ? operation.id?.value : null]),
    [
      ['RESERVE', 'cassandra.dev.node.0.executor.1.reserve'],
      ['CREATE', 'cassandra.dev.node.0.executor.1.create'],
      ['LAUNCH', null],
    ],
  );
  t.like(context.state.nodes.all(), [{ reservation: { made: false, volumes: { length: 1 } } }]);
  const launch = accept?.operations[2];
  if (launch?.type !== 'LAUNCH') throw t.fail('expected a launch');
  t.like(decodeNodeTask(launch.launch.taskInfos[0]?.data ?? new Uint8Array()), {
    server: { dataDirectories: ['data-0'] },
  });
});

const ID = 'cassandra.dev.node.0.executor';
const removed = runningNode(0, {
  targetRunState: 'TERMINATE',
  deleteData: true,
  serverState: 'NONE',
  serverTaskId: null,
  reservation: { volumes: [{ id: `${ID}.data-0`, containerPath: 'data-0' }], made: true },
});
const reservations: Resource['reservations'] = [
  { type: 'DYNAMIC', role: 'cassandra', labels: { labels: [{ key: 'cassandra-mesos.executor', value: ID }] } },
];
const held: Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, reservations },
  {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: 1000 },
    reservations,
    disk: { persistence: { id: `${ID}.data-0` }, volume: { containerPath: 'data-0', mode: 'RW' } },
  },
];

test('a removed node’s volumes and reservation are given back when its agent offers them', async (t) => {
  const context = placing(t, [removed], withRole);
  const offer = anOffer('127.0.0.1');
  await onOffers(context, [{ ...offer, resources: [...offer.resources, ...held] }]);
  const [accept] = accepts(context.calls);
  t.deepEqual(
    accept?.operations.map((operation) => [operation.type, 'id' in operation ? operation.id?.value : null]),
    [
      ['DESTROY', `${ID}.2.destroy`],
      ['UNRESERVE', `${ID}.2.unreserve`],
    ],
  );
  t.is(accept?.filters?.refuseSeconds, 5);
  t.not(context.state.nodes.get(ID)?.reservation, null);
});

test('nothing is given back while the removed node’s executor runs', async (t) => {
  const context = placing(t, [removed], withRole);
  const offer = anOffer('127.0.0.1', { executors: [ID] });
  await onOffers(context, [{ ...offer, resources: held }]);
  t.deepEqual(accepts(context.calls), []);
  t.regex(context.lastOffers.offers()[0]?.reason ?? '', /\(release\): its executor still runs/);
});

test('a scheduler without a role takes no reservation for gone: it would not be offered', async (t) => {
  const context = placing(t, [removed], settings);
  await onOffers(context, [anOffer('127.0.0.1')]);
  t.not(context.state.nodes.get(ID)?.reservation, null);
  t.regex(context.lastOffers.offers()[0]?.reason ?? '', /only offers to its --role hold its volumes/);
});

test('a removed node of which its agent holds nothing any more has no reservation', async (t) => {
  const context = placing(t, [removed], withRole);
  await onOffers(context, [anOffer('127.0.0.1')]);
  t.deepEqual(accepts(context.calls), []);
  t.is(context.state.nodes.get(ID)?.reservation, null);
});

test('volumes of a node that are seen in an offer count as made', async (t) => {
  const volumes = removed.reservation?.volumes ?? [];
  const stopped = runningNode(0, {
    serverState: 'NONE',
    targetRunState: 'STOP',
    reservation: { volumes, made: false },
  });
  const context = placing(t, [stopped], withRole);
  await onOffers(context, [{ ...anOffer('127.0.0.1'), resources: held }]);
  t.true(context.state.nodes.get(ID)?.reservation?.made);
});

test('an operator is told why each node does not start', async (t) => {
  const down = { serverState: 'NONE', serverTaskId: null } as const;
  const failed = runningNode(1, { ...down, launchNotBefore: 1_700_000_060_000, lastError: 'exit code 3' });
  const context = placing(t, [runningNode(0, { ...down, seed: true }), failed, aNode(2)]);
  const reasons = () => waitingNeeds(context).map(({ reason }) => reason);
  t.deepEqual(reasons(), [
    'waits for an offer of 127.0.0.1 (agent agent-127.0.0.1)',
    'tried again at 2023-11-14T22:14:20.000Z: exit code 3',
    'waits until cassandra.dev.node.0.executor is NORMAL: nodes join one at a time',
  ]);
  await onOffers(context, [anOffer('127.0.0.1', { cpus: 0.5 })]);
  t.is(reasons()[0], '127.0.0.1: needs 1.1 cpus, offered 0.5');
  t.like(context.lastOffers.offers(), [{ hostname: '127.0.0.1', launched: [] }]);
  await onOffers(context, [anOffer('127.0.0.1')]);
  t.like(context.lastOffers.offers(), [{ launched: [`${ID}.server.2`], reason: 'used' }]);
  t.false(reasons().some((reason) => reason.includes('needs 1.1')));
});

test('seeds of other datacenters are told beside one’s own', async (t) => {
  const context = { ...placing(t, [aNode(0)], settings), externalSeeds: { seeds: ['10.0.0.1'] } };
  await onOffers(context, [anOffer('127.0.0.1')]);
  const [launch] = accepts(context.calls)[0]?.operations ?? [];
  if (launch?.type !== 'LAUNCH') throw t.fail('expected a launch');
  t.like(decodeNodeTask(launch.launch.taskInfos[0]?.data ?? new Uint8Array()), {
    server: { seeds: ['127.0.0.1', '10.0.0.1'] },
  });
});
