import test from 'ava';
import { aNode, NOW, startApi } from '../helpers.ts';

const ID = 'cassandra.dev.node.0.executor';

test('All nodes are shown with what Cassandra last said', async (t) => {
  const fresh = aNode(2, {
    agentId: null,
    hostname: null,
    ip: null,
    ports: null,
    serverTaskId: null,
    serverState: 'NONE',
    health: null,
    healthAt: null,
    lastError: 'TASK_FAILED: out of memory',
  });
  const api = await startApi(t, { nodes: [aNode(0), aNode(1), fresh] });
  const { body } = await api.call('GET', '/node/all');
  t.deepEqual(body.replaceNodes, []);
  t.is(body.nodesToAcquire, 1);
  t.like(body.nodes[0], {
    executorId: ID,
    ip: '127.0.0.1',
    hostname: 'slave0',
    targetRunState: 'RUN',
    seedNode: true,
    jmxPort: 7199,
    rackDc: { rack: 'RAC1', dc: 'DC1' },
    lastHealthCheck: NOW - 1000,
    serverState: 'RUNNING',
    healthCheckDetails: { healthy: true, version: '5.0.5', operationMode: 'NORMAL', tokenCount: 1 },
  });
  t.like(body.nodes[2], { ip: null, healthCheckDetails: null, tasks: {}, lastError: 'TASK_FAILED: out of memory' });
  t.false('executorInfo' in body.nodes[0]);
});

test('Before the first health the place names are those that Cassandra is started with', async (t) => {
  const silent = { health: null, healthAt: null };
  const api = await startApi(t, {
    nodes: [aNode(0, { ...silent, datacenter: 'DC2', rack: 'RAC3' }), aNode(1, silent)],
  });
  const { body } = await api.call('GET', '/node/all');
  t.deepEqual(body.nodes[0].rackDc, { rack: 'RAC3', dc: 'DC2' });
  t.is(body.nodes[1].rackDc, null);
});

test('What a node holds on its agent, and what a restart would change, is shown', async (t) => {
  const volumes = [{ id: `${ID}.data-0`, containerPath: 'data-0' }];
  const pendingChanges = { [ID]: { heapMb: { from: 512, to: 1024 } } };
  const api = await startApi(t, {
    nodes: [aNode(0, { reservation: { volumes, made: true } }), aNode(1)],
    deps: { config: () => ({ pendingChanges }) },
  });
  const { nodes } = (await api.call('GET', '/node/all')).body;
  t.deepEqual(nodes[0].reservation, { made: true });
  t.deepEqual(nodes[0].volumes, volumes);
  t.deepEqual(nodes[0].pendingChanges, pendingChanges[ID]);
  t.like(nodes[1], { reservation: null, volumes: [], pendingChanges: {} });
});

test('A node that was replaced is listed apart, and counts nowhere', async (t) => {
  const former = aNode(0, { targetRunState: 'TERMINATE', serverState: 'NONE', serverTaskId: null });
  const replacement = aNode(3, {
    replaces: '127.0.0.1',
    bootstrapped: false,
    agentId: null,
    hostname: null,
    ip: null,
    ports: null,
    health: null,
    healthAt: null,
    serverState: 'NONE',
    serverTaskId: null,
  });
  const api = await startApi(t, { nodes: [former, aNode(1, { seed: true }), aNode(2), replacement] });
  const { body } = await api.call('GET', '/node/all');
  t.deepEqual(
    body.nodes.map((node: { executorId: string }) => node.executorId),
    [1, 2, 3].map((number) => `cassandra.dev.node.${number}.executor`),
  );
  t.like(body.formerNodes, { length: 1, 0: { executorId: ID, targetRunState: 'TERMINATE' } });
  t.deepEqual(body.replaceNodes, ['127.0.0.1']);
  t.is(body.nodes[2].replaces, '127.0.0.1');
  t.is(body.nodesToAcquire, 1);
  t.deepEqual((await api.call('GET', '/node/seed/all')).body.seeds, ['127.0.0.2']);
  t.like((await api.call('GET', '/config')).body, {
    currentNumberOfNodes: 2,
    currentNumberOfSeeds: 1,
    seeds: ['127.0.0.2'],
  });
  t.deepEqual((await api.call('GET', '/live-nodes')).body.liveNodes, ['127.0.0.2', '127.0.0.3']);
  t.notRegex((await api.call('GET', '/health/cluster')).text, /node\.0\.executor/);
});

test('Once the replacement has its data, nothing is being replaced any more', async (t) => {
  const api = await startApi(t, { nodes: [aNode(1, { replaces: '127.0.0.9' })] });
  t.deepEqual((await api.call('GET', '/node/all')).body.replaceNodes, []);
});

test('On a host with a former node the member is meant, but a former node alone can be named', async (t) => {
  const former = aNode(0, { targetRunState: 'TERMINATE' });
  const api = await startApi(t, { nodes: [former, aNode(1, { hostname: 'slave0', ip: '127.0.0.1' }), aNode(2)] });
  const answer = await api.call('POST', '/node/slave0/stop');
  t.is(answer.body.executorId, 'cassandra.dev.node.1.executor');
  t.deepEqual(api.state.nodes.get(ID), former);
});

test('Seeds are those with a place', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, { seed: true, ip: null }), aNode(2)] });
  t.deepEqual((await api.call('GET', '/node/seed/all')).body, {
    nativePort: 9042,
    jmxPort: 7199,
    seeds: ['127.0.0.1'],
  });
});

test('A node is stopped and started by executor id, hostname or ip', async (t) => {
  const api = await startApi(t);
  for (const [name, action, targetRunState] of [
    [ID, 'stop', 'STOP'],
    ['slave0', 'start', 'RUN'],
    ['127.0.0.1', 'restart', 'RESTART'],
  ] as const) {
    const before = api.seen.wakes;
    const answer = await api.call('POST', `/node/${name}/${action}`);
    t.is(answer.status, 200);
    t.deepEqual(answer.body, { ip: '127.0.0.1', hostname: 'slave0', executorId: ID, targetRunState });
    t.is(api.state.nodes.get(ID)?.targetRunState, targetRunState);
    t.is(api.seen.wakes, before + 1);
  }
});

test('Restarting a node that does not run starts it, and ends its back-off', async (t) => {
  const api = await startApi(t, {
    nodes: [aNode(0, { serverState: 'NONE', targetRunState: 'STOP', launchNotBefore: NOW + 60_000 })],
  });
  const answer = await api.call('POST', '/node/slave0/restart');
  t.is(answer.body.targetRunState, 'RUN');
  t.like(api.state.nodes.get(ID), { targetRunState: 'RUN', launchNotBefore: null });
});

test('An order changes nothing of the node but what is wanted of it', async (t) => {
  const api = await startApi(t);
  const before = api.state.nodes.get(ID);
  await api.call('POST', `/node/${ID}/stop`);
  t.deepEqual(api.state.nodes.get(ID), { ...before, targetRunState: 'STOP' } as typeof before);
});

test('An unknown node is 404 with the nodes that there are', async (t) => {
  const api = await startApi(t);
  for (const name of ['slave9', '10.0.0.1', '%2e%2e%2f', 'cassandra.dev.node.0', '%zz']) {
    const answer = await api.call('POST', `/node/${name}/stop`);
    t.is(answer.status, 404, name);
    t.is(answer.body.error.code, 'NODE_NOT_FOUND');
    t.true(answer.body.error.hint.includes(ID));
  }
  t.is(api.seen.wakes, 0);
});

test('A host with several nodes is refused with the candidates, and none of them is touched', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, { hostname: 'slave0', ip: '127.0.0.1' })] });
  for (const name of ['slave0', '127.0.0.1']) {
    const answer = await api.call('POST', `/node/${name}/stop`);
    t.is(answer.status, 409);
    t.is(answer.body.error.code, 'NODE_AMBIGUOUS');
    t.deepEqual(answer.body.candidates, [ID, 'cassandra.dev.node.1.executor']);
  }
  t.deepEqual(
    api.state.nodes.all().map((node) => node.targetRunState),
    ['RUN', 'RUN'],
  );
});

test('An order takes no parameters', async (t) => {
  const api = await startApi(t);
  const answer = await api.call('POST', '/node/slave0/stop?force=true');
  t.is(answer.status, 400);
  t.regex(answer.body.error.message, /force: expected no parameters/);
  t.is(api.state.nodes.get(ID)?.targetRunState, 'RUN');
});
