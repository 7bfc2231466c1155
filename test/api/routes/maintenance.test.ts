import test from 'ava';
import { aNode, startApi } from '../helpers.ts';
import { ended } from '../job-fixtures.ts';

const ID = 'cassandra.dev.node.0.executor';

for (const [path, key, type] of [
  ['cleanup', 'cleanup', 'CLEANUP'],
  ['repair', 'repair', 'REPAIR'],
  ['rolling-restart', 'clusterRestart', 'RESTART'],
] as const) {
  test(`${path} starts, shows itself and is aborted like a backup`, async (t) => {
    const api = await startApi(t);
    t.deepEqual((await api.call('GET', `/cluster/${path}/status`)).body, { running: false, [key]: null });
    t.deepEqual((await api.call('GET', `/cluster/${path}/last`)).body, { present: false, [key]: null });
    t.deepEqual((await api.call('POST', `/cluster/${path}/abort`)).body, { aborted: false });
    const started = await api.call('POST', `/cluster/${path}/start?nodes=slave1,slave2`);
    t.deepEqual([started.status, started.body], [200, { started: true, job: 1 }]);
    const { body } = await api.call('GET', `/cluster/${path}/status`);
    t.like(body, { running: true, [key]: { id: 1, type, result: null } });
    t.deepEqual(body[key].remainingNodes, ['cassandra.dev.node.1.executor', 'cassandra.dev.node.2.executor']);
    t.false('backupName' in body[key] || 'location' in body[key]);
    t.like((await api.call('POST', `/cluster/${path}/start`)).body, {
      started: false,
      error: { code: 'JOB_RUNNING' },
      job: 1,
    });
    t.deepEqual((await api.call('POST', `/cluster/${path}/abort?now=true`)).body, { aborted: true });
    api.jobs.update(1, (job) => ended(job, 'ABORTED'));
    t.like((await api.call('GET', `/cluster/${path}/last`)).body, { present: true, [key]: { result: 'ABORTED' } });
    t.is((await api.call('GET', '/cluster/jobs')).body.jobs.length, 1);
  });

  test(`${path} refuses by name what belongs to a backup, and starts nothing`, async (t) => {
    const api = await startApi(t);
    for (const query of ['name=a', 'location=file:///x', 'snapshot=each', 'tables=ks1.users']) {
      const { status, body } = await api.call('POST', `/cluster/${path}/start?${query}`);
      t.is(status, 400, query);
      t.like(body, { started: false, error: { code: 'BAD_REQUEST' } });
      t.regex(body.error.message, new RegExp(`${query.split('=')[0]}: expected one of .*nodes, strategy, concurrency`));
    }
    t.is(api.jobs.list().length, 0);
  });
}

test('Cleanup and repair take keyspaces, nodes and a pace', async (t) => {
  for (const path of ['cleanup', 'repair']) {
    const api = await startApi(t);
    const json = { keyspaces: ['ks1'], nodes: ['slave0', 'slave2'], strategy: 'parallel', concurrency: 2 };
    const { status } = await api.call('POST', `/cluster/${path}/start`, { json });
    t.is(status, 200);
    t.like(api.jobs.get(1)?.parameters, { strategy: 'parallel', concurrency: 2 });
    t.deepEqual(api.jobs.get(1)?.parameters.keyspaces, ['ks1']);
    t.deepEqual(api.jobs.get(1)?.parameters.nodes, [ID, 'cassandra.dev.node.2.executor']);
  }
});

test('A job takes in members only', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1), aNode(2, { targetRunState: 'TERMINATE' })] });
  const { status, body } = await api.call('POST', '/cluster/repair/start?nodes=slave2');
  t.is(status, 404);
  t.like(body, { started: false, error: { code: 'NODE_NOT_FOUND' } });
  t.is((await api.call('POST', '/cluster/repair/start')).status, 200);
  t.deepEqual((await api.call('GET', '/cluster/repair/status')).body.repair.remainingNodes, [
    ID,
    'cassandra.dev.node.1.executor',
  ]);
});
