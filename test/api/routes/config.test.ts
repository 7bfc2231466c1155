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
