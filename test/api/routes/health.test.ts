import test from 'ava';
import { aHealth, aNode, NOW, startApi } from '../helpers.ts';

test('The process is healthy as long as it answers', async (t) => {
  const api = await startApi(t, { nodes: [] });
  t.deepEqual((await api.call('GET', '/health/process')).body, {
    healthy: true,
    startedAt: NOW - 5000,
    uptimeMillis: 5000,
    frameworkId: 'framework-1',
  });
});

test('A whole ring is healthy', async (t) => {
  const api = await startApi(t);
  const answer = await api.call('GET', '/health/cluster');
  t.deepEqual([answer.status, answer.body], [200, { healthy: true }]);
  const { body } = await api.call('GET', '/health/cluster/report');
  t.true(body.healthy);
  t.true((body.results as { ok: boolean }[]).every(({ ok }) => ok));
});

const OTHER_SCHEMA = 'bbbbbbbb-0000-0000-0000-000000000000';

for (const [title, nodes, check, reason] of [
  ['a node without a place', [aNode(0), aNode(1)], 'nodeCount', /expected 3 nodes, there are 2/],
  [
    'a seed that is down',
    [aNode(0, { serverState: 'NONE', lastError: 'TASK_FAILED: exit 3' }), aNode(1), aNode(2)],
    'seedCount',
    /expected 1 ready seeds, there are 0/,
  ],
  [
    'a node that does not run',
    [aNode(0), aNode(1, { serverState: 'NONE', lastError: 'TASK_FAILED: exit 3' }), aNode(2)],
    'nodesHaveServerTask',
    /node\.1\.executor: Cassandra does not run \(NONE, TASK_FAILED: exit 3\)/,
  ],
  [
    'a node that an operator stopped',
    [aNode(0), aNode(1, { serverState: 'NONE', targetRunState: 'STOP' }), aNode(2)],
    'nodesHaveServerTask',
    /node\.1\.executor: Cassandra does not run \(stopped by the operator\)/,
  ],
  [
    'a node that joins',
    [aNode(0), aNode(1, { health: aHealth(1, { operationMode: 'JOINING' }) }), aNode(2)],
    'operatingModeNormal',
    /node\.1\.executor: is JOINING, not NORMAL/,
  ],
  [
    'a node that is silent',
    [aNode(0), aNode(1, { healthAt: NOW - 300_000 }), aNode(2)],
    'lastHealthCheckNewerThan',
    /node\.1\.executor: last reported its health 300 s ago/,
  ],
  [
    'a node that never spoke',
    [aNode(0), aNode(1, { health: null, healthAt: null }), aNode(2)],
    'lastHealthCheckNewerThan',
    /has not reported its health yet/,
  ],
  [
    'a node without CQL',
    [aNode(0), aNode(1, { health: aHealth(1, { nativeTransportRunning: false }) }), aNode(2)],
    'allHealthy',
    /takes no CQL connections/,
  ],
  [
    'two schema versions',
    [aNode(0), aNode(1, { health: aHealth(1, { schemaVersion: OTHER_SCHEMA }) }), aNode(2)],
    'oneSchemaVersion',
    /disagree on the schema/,
  ],
  [
    'a node that another one does not see',
    [aNode(0), aNode(1, { health: aHealth(1, { liveNodes: ['127.0.0.2', '127.0.0.3'] }) }), aNode(2)],
    'nodesSeeEachOther',
    /node\.1\.executor: does not see cassandra\.dev\.node\.0\.executor as live/,
  ],
] as const) {
  test(`A ring with ${title} is unhealthy, and the reason is said`, async (t) => {
    const api = await startApi(t, { nodes: [...nodes] });
    const answer = await api.call('GET', '/health/cluster');
    t.is(answer.status, 500);
    t.false(answer.body.healthy);
    t.regex(answer.body.reasons.join('\n'), reason);
    const report = await api.call('GET', '/health/cluster/report');
    t.is(report.status, 200);
    t.false(report.body.healthy);
    const results = report.body.results as { name: string; ok: boolean }[];
    t.false(results.find(({ name }) => name === check)?.ok);
  });
}
