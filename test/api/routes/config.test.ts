import test from 'ava';
import { aNode, startApi } from '../helpers.ts';

test('The configuration shows what is wanted beside what there is', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1), aNode(2, { agentId: null, ip: null })] });
  t.like((await api.call('GET', '/config')).body, {
    frameworkName: 'cassandra.dev',
    frameworkId: 'framework-1',
    clusterName: 'dev',
    targetNumberOfNodes: 3,
    currentNumberOfNodes: 2,
    nodesToAcquire: 1,
    targetNumberOfSeeds: 1,
    currentNumberOfSeeds: 1,
    seedsToAcquire: 0,
    seeds: ['127.0.0.1'],
    backupDirectory: 'file:///backup',
  });
});

test('Settings that running nodes do not have yet are shown, with what applies them', async (t) => {
  const pendingChanges = { 'cassandra.dev.node.0.executor': { heapMb: { from: 512, to: 1024 } } };
  const api = await startApi(t, { deps: { config: () => ({ pendingChanges }) } });
  const { body } = await api.call('GET', '/config');
  t.deepEqual(body.pendingChanges, pendingChanges);
  t.regex(body.hint, /POST \/cluster\/rolling-restart\/start/);
  const settled = (await (await startApi(t)).call('GET', '/config')).body;
  t.deepEqual(settled.pendingChanges, {});
  t.false('hint' in settled);
});
