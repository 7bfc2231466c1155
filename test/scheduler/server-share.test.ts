import test, { type ExecutionContext } from 'ava';
import type { Offer, Resource } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { matchOffer, type Match } from '../../src/scheduler/match-offer.ts';
import type { ServerShare } from '../../src/scheduler/server-share.ts';
import { Wanted } from '../../src/scheduler/wanted.ts';
import { aNode, anOffer, runningNode, withRole } from './helpers.ts';

const ID = 'cassandra.dev.node.0.executor';
const LABELLED = {
  type: 'DYNAMIC' as const,
  role: 'cassandra',
  principal: 'us',
  labels: { labels: [{ key: 'cassandra-mesos.executor', value: ID }] },
};
const STATIC = { type: 'STATIC' as const, role: 'cassandra' };

const scalar = (name: string, value: number, more: Partial<Resource> = {}): Resource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  allocationInfo: { role: 'cassandra' },
  ...more,
});

const ports = (list: number[], more: Partial<Resource> = {}): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: list.map((port) => ({ begin: port, end: port })) },
  allocationInfo: { role: 'cassandra' },
  ...more,
});

const volume = (index: number, more: Partial<Resource> = {}): Resource =>
  scalar('disk', 1000, {
    disk: {
      persistence: { id: `${ID}.data-${index}`, principal: 'us' },
      volume: { containerPath: `data-${index}`, mode: 'RW' },
    },
    reservations: [LABELLED],
    ...more,
  });

const FREE = [ports([7000, 9042, 31_000, 31_001]), scalar('cpus', 4), scalar('mem', 4000), scalar('disk', 5000)];

const offerOf = (resources: Resource[], executors: string[] = []): Offer => ({
  ...anOffer('127.0.0.1', { executors }),
  resources,
});

function match(offer: Offer, node: ClusterNode, changes: Partial<typeof withRole> = {}): Match {
  return matchOffer(offer, new Wanted([{ kind: 'server', node }], [node]), { ...withRole, ...changes });
}

function shareOf(
  t: ExecutionContext,
  offer: Offer,
  node: ClusterNode,
  changes: Partial<typeof withRole> = {},
): ServerShare {
  const { launches, reason } = match(offer, node, changes);
  const [launch] = launches;
  if (launch?.kind !== 'server') throw t.fail(reason);
  return launch.share;
}

test('the first launch reserves executor with sandbox, server, one step and the ports, and makes a volume on what is reserved', (t) => {
  const share = shareOf(t, offerOf(FREE), aNode(0));
  const reservations = [LABELLED];
  t.deepEqual(share.reserve, [
    scalar('disk', 1200, { reservations }),
    scalar('cpus', 1.2, { reservations }),
    scalar('mem', 1344, { reservations }),
    ports([7000, 9042, 31_000, 31_001], { reservations }),
  ]);
  t.deepEqual(share.create, [volume(0)]);
  t.deepEqual(share.executor, [
    scalar('cpus', 0.1, { reservations }),
    scalar('mem', 256, { reservations }),
    scalar('disk', 200, { reservations }),
    volume(0),
  ]);
  t.deepEqual(share.task, [
    scalar('cpus', 1, { reservations }),
    scalar('mem', 1024, { reservations }),
    ports([7000, 9042, 31_000, 31_001], { reservations }),
  ]);
  t.deepEqual(share.reservation, { volumes: [{ id: `${ID}.data-0`, containerPath: 'data-0' }], made: false });
});

const OWN = [
  ports([7000, 9042, 31_000, 31_001], { reservations: [LABELLED] }),
  scalar('cpus', 1.2, { reservations: [LABELLED] }),
  scalar('mem', 1344, { reservations: [LABELLED] }),
  scalar('disk', 200, { reservations: [LABELLED] }),
];
const asked = { volumes: [{ id: `${ID}.data-0`, containerPath: 'data-0' }], made: false };
const relaunched = (changes: Partial<ClusterNode> = {}) =>
  runningNode(0, { serverState: 'NONE', serverTaskId: null, reservation: { ...asked, made: true }, ...changes });

test('a later launch uses what is reserved and the same volume, and reserves nothing', (t) => {
  const share = shareOf(t, offerOf([...FREE, ...OWN, volume(0)]), relaunched());
  t.deepEqual(share.reserve, []);
  t.deepEqual(share.create, []);
  t.deepEqual(share.executor.at(-1), volume(0));
  t.like(share.reservation, { made: true });
});

test('a later launch reserves what is missing', (t) => {
  const reservations = [LABELLED];
  const settings = { server: { ...withRole.server, cpus: 2 } };
  const { reserve, task } = shareOf(t, offerOf([...FREE, ...OWN, volume(0)]), relaunched(), settings);
  t.deepEqual(reserve, [scalar('cpus', 1, { reservations })]);
  t.deepEqual(task[0], scalar('cpus', 2, { reservations }));
});

test('a node with data is not started without its volume, and nobody makes another one', (t) => {
  for (const node of [relaunched(), relaunched({ bootstrapped: false }), relaunched({ reservation: asked })]) {
    const { launches, reason } = match(offerOf([...FREE, ...OWN]), node);
    t.is(launches.length, 0);
    t.regex(reason, /its volumes are not offered: cassandra\.dev\.node\.0\.executor\.data-0/);
  }
});

test('a node with data from before it had a role is not started on an empty volume', (t) => {
  const { launches, reason } = match(offerOf(FREE), relaunched({ reservation: null }));
  t.is(launches.length, 0);
  t.regex(reason, /has data from a time without --role cassandra/);
});

test('a volume that was asked for and never made is made by the next launch', (t) => {
  const node = relaunched({ bootstrapped: false, reservation: asked });
  t.deepEqual(shareOf(t, offerOf([...FREE, ...OWN]), node).create, [volume(0)]);
});

test('while its executor runs, a server takes neither volumes nor the executor’s share', (t) => {
  const share = shareOf(t, offerOf([...OWN], [ID]), relaunched({ executorInfo: new Uint8Array(1) }));
  t.deepEqual(share.executor, []);
  t.deepEqual(share.reserve, []);
  t.like(share.reservation, { made: true });
});

test('what operators have reserved for the role is used as it is', (t) => {
  const reservations = [STATIC];
  const share = shareOf(t, offerOf(FREE.map((resource) => ({ ...resource, reservations }))), aNode(0));
  t.deepEqual(share.reserve, []);
  t.deepEqual(share.create, [volume(0, { reservations })]);
});

test('what another node holds is never touched', (t) => {
  const labels = { labels: [{ key: 'cassandra-mesos.executor', value: 'cassandra.dev.node.7.executor' }] };
  const theirs = FREE.map((resource) => ({ ...resource, reservations: [{ ...LABELLED, labels }] }));
  const { launches, reason } = match(offerOf(theirs), aNode(0));
  t.is(launches.length, 0);
  t.regex(reason, /port 7000 .* is not offered/);
  t.regex(
    reason,
    /reserved for cassandra\.dev\.node\.7\.executor, which this cluster does not know: it is never deleted/,
  );
});

test('what another framework of the role has reserved under labels of its own is not taken', (t) => {
  const labels = { labels: [{ key: 'resource_id', value: 'broker-0' }] };
  const theirs = FREE.map((resource) => ({ ...resource, reservations: [{ ...LABELLED, labels }] }));
  t.regex(match(offerOf(theirs), aNode(0)).reason, /port 7000 .* is not offered/);
  const operators = FREE.map((resource) => ({
    ...resource,
    reservations: [{ type: 'DYNAMIC' as const, role: 'cassandra' }],
  }));
  t.deepEqual(shareOf(t, offerOf([...theirs, ...operators]), aNode(0)).reserve, []);
});

const mount = (root: string, value: number): Resource =>
  scalar('disk', value, { disk: { source: { type: 'MOUNT', mount: { root } } } });
const path = (root: string, value: number): Resource =>
  scalar('disk', value, { disk: { source: { type: 'PATH', path: { root } } } });
const sources = (created: Resource[]) => created.map(({ scalar: size, disk }) => [disk?.source, size?.value]);

test('a mount disk is taken whole, one for each volume', (t) => {
  const volumes = { type: 'MOUNT' as const, count: 2 };
  const disks = [mount('/small', 10), mount('/a', 1500), mount('/b', 3000)];
  const { create, reserve } = shareOf(t, offerOf([...FREE, ...disks]), aNode(0), { volumes });
  t.deepEqual(sources(create), [
    [{ type: 'MOUNT', mount: { root: '/a' } }, 1500],
    [{ type: 'MOUNT', mount: { root: '/b' } }, 3000],
  ]);
  t.deepEqual(
    create.map(({ disk }) => disk?.persistence?.id),
    [`${ID}.data-0`, `${ID}.data-1`],
  );
  t.deepEqual(
    reserve.filter(({ name }) => name === 'disk').map(({ scalar: size }) => size?.value),
    [1500, 3000, 200],
  );
  const { reason } = match(offerOf([...FREE, disks[1] as Resource]), aNode(0), { volumes });
  t.regex(reason, /needs 2 mount disks of 1000 MiB for its volumes, offered 1/);
});

test('volumes on path disks are spread over the paths', (t) => {
  const volumes = { type: 'PATH' as const, count: 2 };
  const disks = [path('/a', 9000), path('/b', 1000)];
  t.deepEqual(sources(shareOf(t, offerOf([...FREE, ...disks]), aNode(0), { volumes }).create), [
    [{ type: 'PATH', path: { root: '/a' } }, 1000],
    [{ type: 'PATH', path: { root: '/b' } }, 1000],
  ]);
  const one = shareOf(t, offerOf([...FREE, path('/a', 9000)]), aNode(0), { volumes });
  t.deepEqual(one.create.length, 2);
});

test('an agent that has no room for a step as well is not taken', (t) => {
  const tight = [...FREE.filter(({ name }) => name !== 'cpus'), scalar('cpus', 1.1)];
  t.regex(match(offerOf(tight), aNode(0)).reason, /needs 1\.2 cpus, offered 1\.1/);
});

test('an agent that has room for the volume and none for the sandbox beside it is not taken', (t) => {
  const tight = [...FREE.filter(({ name }) => name !== 'disk'), scalar('disk', 1100)];
  t.regex(match(offerOf(tight), aNode(0)).reason, /needs 200 disk, offered 100/);
});

test('revocable and shared resources are not counted on', (t) => {
  const shaky = FREE.map((resource) => (resource.name === 'cpus' ? { ...resource, revocable: {} } : resource));
  t.regex(match(offerOf(shaky), aNode(0)).reason, /needs 1\.2 cpus, offered 0/);
});

test('without a principal none is claimed', (t) => {
  const { create, reserve } = shareOf(t, offerOf(FREE), aNode(0), { principal: null });
  t.false(JSON.stringify([create, reserve]).includes('principal'));
});
