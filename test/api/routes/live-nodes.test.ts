import test from 'ava';
import { aHealth, aNode, NOW, startApi } from '../helpers.ts';

test('Live nodes are contact points, three unless asked for otherwise', async (t) => {
  const api = await startApi(t, { nodes: [0, 1, 2, 3].map((number) => aNode(number)) });
  const { body } = await api.call('GET', '/live-nodes');
  t.like(body, { clusterName: 'dev', nativePort: 9042, jmxPort: 7199 });
  t.deepEqual(body.liveNodes, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
  t.like(body.nodes[1], { executorId: 'cassandra.dev.node.1.executor', hostname: 'slave1', nativePort: 9042 });
  t.deepEqual((await api.call('GET', '/live-nodes?limit=1')).body.liveNodes, ['127.0.0.1']);
});

test("The texts are arguments of Cassandra's own tools", async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1)] });
  t.is((await api.call('GET', '/live-nodes/text')).text, 'NATIVE: 9042\nJMX: 7199\nIP: 127.0.0.1\nIP: 127.0.0.2\n');
  t.is((await api.call('GET', '/live-nodes/cqlsh')).text, '127.0.0.1 9042\n');
  t.is((await api.call('GET', '/live-nodes/nodetool')).text, '-h 127.0.0.1 -p 7199\n');
  t.is(
    (await api.call('GET', '/live-nodes/stress?limit=2')).text,
    '-node 127.0.0.1,127.0.0.2 -port native=9042 jmx=7199\n',
  );
});

test('A node that is down, silent, not NORMAL or without CQL is not live', async (t) => {
  const api = await startApi(t, {
    nodes: [
      aNode(0, { serverState: 'UNREACHABLE' }),
      aNode(1, { healthAt: NOW - 120_001 }),
      aNode(2, { health: aHealth(2, { operationMode: 'DRAINED' }) }),
      aNode(3, { health: aHealth(3, { nativeTransportRunning: false }) }),
      aNode(4),
    ],
  });
  t.deepEqual((await api.call('GET', '/live-nodes?limit=9')).body.liveNodes, ['127.0.0.5']);
});

test('Without a live node every form is a JSON error', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0, { health: null, healthAt: null })] });
  for (const form of ['', '/text', '/cqlsh', '/nodetool', '/stress']) {
    const answer = await api.call('GET', `/live-nodes${form}`);
    t.is(answer.status, 503, form);
    t.is(answer.body.error.code, 'NODE_DOWN');
  }
});

test('A wrong limit is refused', async (t) => {
  const api = await startApi(t);
  for (const limit of ['0', '-1', 'all', '1.5', '', '9999999999', '1&limit=2']) {
    const answer = await api.call('GET', `/live-nodes?limit=${limit}`);
    t.is(answer.status, 400, limit);
    t.regex(answer.body.error.message, /limit: expected/);
  }
});
