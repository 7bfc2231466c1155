import test from 'ava';
import { matchOffer, type Need } from '../../src/scheduler/match-offer.ts';
import { aNode, anOffer, runningNode, settings } from './helpers.ts';

const server = (node: Need['node']): Need => ({ kind: 'server', node });
const step = (node: Need['node']): Need => ({ kind: 'step', node, phaseIndex: 0, stepIndex: 0 });

test('a new node takes the first host without a node, with its fixed ports and free loopback ports', (t) => {
  const node = aNode(0);
  const { launches } = matchOffer(anOffer('127.0.0.1'), [server(node)], [node], settings);
  t.like(launches, [{ need: { kind: 'server' }, newExecutor: true }]);
  t.deepEqual(launches[0]?.ports, { storage: 7000, native: 9042, jmx: 31001, jolokia: 31000 });
});

test('only one node is launched on a host, and none on a host that has another', (t) => {
  const [first, second] = [aNode(0), aNode(1)];
  t.is(matchOffer(anOffer('127.0.0.1'), [server(first), server(second)], [first, second], settings).launches.length, 1);
  const nodes = [runningNode(0), second];
  const match = matchOffer(anOffer('127.0.0.1'), [server(second)], nodes, settings);
  t.is(match.launches.length, 0);
  t.regex(match.reason, /nothing to launch for cassandra\.dev\.node\.0\.executor, which has this host/);
});

test('a node that has data is only launched on its own host', (t) => {
  const node = runningNode(0, { serverState: 'NONE', serverTaskId: null });
  t.is(matchOffer(anOffer('127.0.0.9'), [server(node)], [node], settings).launches.length, 0);
  t.is(matchOffer(anOffer('127.0.0.1'), [server(node)], [node], settings).launches.length, 1);
});

test('an offer without a needed port is declined with the port', (t) => {
  const node = aNode(0);
  const match = matchOffer(anOffer('127.0.0.1', { ports: [[7000, 7000]] }), [server(node)], [node], settings);
  t.is(match.launches.length, 0);
  t.regex(match.reason, /port 9042 is not offered/);
});

test('an offer that is too small is declined with what it lacks', (t) => {
  const node = aNode(0);
  const match = matchOffer(anOffer('127.0.0.1', { cpus: 1 }), [server(node)], [node], settings);
  t.is(match.launches.length, 0);
  t.regex(match.reason, /needs 1\.1 cpus, offered 1/);
});

test('a step goes to the running executor of its node and nowhere else', (t) => {
  const node = runningNode(0);
  const executors = [node.executorId];
  const used = matchOffer(anOffer('127.0.0.1', { executors, cpus: 0.1 }), [step(node)], [node], settings);
  t.like(used.launches, [{ need: { kind: 'step' }, newExecutor: false, ports: null }]);
  const without = matchOffer(anOffer('127.0.0.1'), [step(node)], [node], settings);
  t.is(without.launches.length, 0);
  t.regex(without.reason, /executor does not run here/);
});
