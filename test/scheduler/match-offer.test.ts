import test from 'ava';
import { parseConstraint } from '../../src/scheduler/constraints.ts';
import { matchOffer, type Match } from '../../src/scheduler/match-offer.ts';
import { Wanted, type Need } from '../../src/scheduler/wanted.ts';
import type { Offer } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { aNode, anOffer, runningNode, settings } from './helpers.ts';

const server = (node: ClusterNode): Need => ({ kind: 'server', node });
const step = (node: ClusterNode): Need => ({ kind: 'step', node, phaseIndex: 0, stepIndex: 0 });

function match(offer: Offer, needs: Need[], nodes: ClusterNode[], changes: Partial<typeof settings> = {}): Match {
  return matchOffer(offer, new Wanted(needs, nodes), { ...settings, ...changes });
}

test('a new node takes the first host without a node, with its fixed ports and free loopback ports', (t) => {
  const node = aNode(0);
  const { launches, soon } = match(anOffer('127.0.0.1'), [server(node)], [node]);
  t.like(launches, [{ kind: 'server', newExecutor: true }]);
  const [launch] = launches;
  t.deepEqual(launch?.kind === 'server' ? launch.share.ports : null, {
    storage: 7000,
    native: 9042,
    jmx: 31001,
    jolokia: 31000,
  });
  t.false(soon);
});

test('only one node is launched on a host, and none on a host that has another', (t) => {
  const [first, second] = [aNode(0), aNode(1)];
  t.is(match(anOffer('127.0.0.1'), [server(first), server(second)], [first, second]).launches.length, 1);
  const refused = match(anOffer('127.0.0.1'), [server(second)], [runningNode(0), second]);
  t.is(refused.launches.length, 0);
  t.regex(refused.reason, /nothing to launch for cassandra\.dev\.node\.0\.executor, which has this host/);
  t.false(refused.soon);
});

test('a replaced node does not keep its host from another one', (t) => {
  const [gone, node] = [runningNode(0, { targetRunState: 'TERMINATE', serverState: 'NONE' }), aNode(1)];
  t.is(match(anOffer('127.0.0.1'), [server(node)], [gone, node]).launches.length, 1);
});

test('a node that has data is only launched on its own host', (t) => {
  const node = runningNode(0, { serverState: 'NONE', serverTaskId: null });
  const elsewhere = match(anOffer('127.0.0.9'), [server(node)], [node]);
  t.is(elsewhere.launches.length, 0);
  t.false(elsewhere.soon);
  t.is(match(anOffer('127.0.0.1'), [server(node)], [node]).launches.length, 1);
});

test('a node that has data is launched on its own agent under whatever name that has', (t) => {
  const node = runningNode(0, { serverState: 'NONE', serverTaskId: null, agentId: 'agent-renamed' });
  t.is(match(anOffer('renamed'), [server(node)], [node]).launches.length, 1);
});

test('a missing port is named by what it is for, and with what the operator can do', (t) => {
  const node = aNode(0);
  const { launches, reason, soon } = match(anOffer('127.0.0.1', { ports: [[7000, 7000]] }), [server(node)], [node]);
  t.is(launches.length, 0);
  t.regex(
    reason,
    /port 9042 \(native, CQL\) is not offered: choose another one by --native-port, or .*--resources=ports:\[/,
  );
  t.false(soon);
});

test('a port that the node has used before may come back on its own host', (t) => {
  const node = runningNode(0, { serverState: 'NONE', serverTaskId: null });
  t.true(match(anOffer('127.0.0.1', { ports: [] }), [server(node)], [node]).soon);
});

test('JMX and Jolokia keep the ports of the last launch', (t) => {
  const ports = { storage: 7000, native: 9042, jmx: 31007, jolokia: 31005 };
  const node = runningNode(0, { serverState: 'NONE', serverTaskId: null, ports });
  const [launch] = match(anOffer('127.0.0.1'), [server(node)], [node]).launches;
  t.deepEqual(launch?.kind === 'server' ? launch.share.ports : null, ports);
});

test('an offer that is too small is declined with what it lacks, for a short time', (t) => {
  const node = aNode(0);
  const { launches, reason, soon } = match(anOffer('127.0.0.1', { cpus: 1 }), [server(node)], [node]);
  t.is(launches.length, 0);
  t.regex(reason, /needs 1\.1 cpus, offered 1/);
  t.true(soon);
});

test('path and mount disks do not count as the root disk', (t) => {
  const node = aNode(0);
  const offer = anOffer('127.0.0.1');
  const resources = offer.resources.map((resource) =>
    resource.name === 'disk'
      ? { ...resource, disk: { source: { type: 'MOUNT' as const, mount: { root: '/m' } } } }
      : resource,
  );
  t.regex(match({ ...offer, resources }, [server(node)], [node]).reason, /needs 1000 disk, offered 0/);
});

test('a step goes to the running executor of its node and nowhere else', (t) => {
  const node = runningNode(0, { executorInfo: new Uint8Array(1) });
  const executors = [node.executorId];
  const used = match(anOffer('127.0.0.1', { executors, cpus: 0.1 }), [step(node)], [node]);
  t.like(used.launches, [{ kind: 'step', need: { node } }]);
  const without = match(anOffer('127.0.0.1'), [step(node)], [node]);
  t.is(without.launches.length, 0);
  t.regex(without.reason, /executor does not run here/);
});

test('nothing is launched on an executor that is not described any more: its volumes would be missing', (t) => {
  const node = runningNode(0, { executorInfo: null });
  const offer = anOffer('127.0.0.1', { executors: [node.executorId] });
  for (const need of [server(node), step(node)]) {
    const { launches, reason } = match(offer, [need], [node]);
    t.is(launches.length, 0);
    t.regex(reason, /waits for the end of an executor of which nobody knows how it was started/);
  }
});

test('a constraint keeps a new node away for long, and does not move one that has a place', (t) => {
  const node = aNode(0);
  const constraints = [parseConstraint('hostname:UNLIKE:127.*')];
  const refused = match(anOffer('127.0.0.1'), [server(node)], [node], { constraints });
  t.regex(refused.reason, /hostname:UNLIKE:127\.\*: not with hostname 127\.0\.0\.1/);
  t.false(refused.soon);
  const placed = runningNode(0, { serverState: 'NONE', serverTaskId: null });
  t.is(match(anOffer('127.0.0.1'), [server(placed)], [placed], { constraints }).launches.length, 1);
});

test('constraints see the nodes of the ring, not those that left it', (t) => {
  const constraints = [parseConstraint('rack:UNIQUE')];
  const offer: Offer = {
    ...anOffer('127.0.0.9'),
    attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'r1' } }],
  };
  const node = aNode(1);
  const other = runningNode(0, { attributes: { rack: 'r1' } });
  t.is(match(offer, [server(node)], [other, node], { constraints }).launches.length, 0);
  const gone = { ...other, targetRunState: 'TERMINATE' as const };
  t.is(match(offer, [server(node)], [gone, node], { constraints }).launches.length, 1);
});

test('with nothing wanted the reason says so', (t) => {
  const { reason, soon } = match(anOffer('127.0.0.9'), [], [runningNode(0)]);
  t.is(reason, 'nothing to launch');
  t.false(soon);
});
