import test from 'ava';
import type { ClusterNode } from '../../../src/model/node.ts';
import { aNode, startApi } from '../helpers.ts';

const ID = 'cassandra.dev.node.1.executor';
const DEAD = { serverState: 'NONE', serverTaskId: null, lastError: 'TASK_LOST: the agent is gone' } as const;
const RESERVED = {
  reservation: { volumes: [{ id: `${ID}.data-0`, containerPath: 'data-0' }], made: true },
} as const satisfies Partial<ClusterNode>;

const FORMER = { ...DEAD, ...RESERVED, targetRunState: 'TERMINATE' } as const satisfies Partial<ClusterNode>;

test('A dead node is replaced in one call', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, DEAD), aNode(2)] });
  const { status, body } = await api.call('POST', '/node/slave1/replace');
  t.is(status, 200);
  t.deepEqual(body, {
    ipToReplace: '127.0.0.2',
    success: true,
    hostname: 'slave1',
    targetRunState: 'TERMINATE',
    executorId: ID,
    replacement: 'cassandra.dev.node.3.executor',
  });
  t.like(api.state.nodes.get(body.replacement), { replaces: '127.0.0.2', targetRunState: 'RUN' });
  const { body: all } = await api.call('GET', '/node/all');
  t.deepEqual(all.replaceNodes, ['127.0.0.2']);
  t.like(all.formerNodes, { length: 1, 0: { executorId: ID } });
});

test('A node that must not be replaced stays, and the real reason is said', async (t) => {
  const nodes = [aNode(0), aNode(1, DEAD), aNode(2), aNode(3, { ...FORMER, ip: '127.0.0.9', hostname: 'slave9' })];
  const api = await startApi(t, { nodes });
  for (const [name, status, code, reason] of [
    ['slave2', 400, 'BAD_REQUEST', /is not dead/],
    ['slave9', 409, 'NODE_REPLACED', /was removed/],
    ['slave8', 404, 'NODE_NOT_FOUND', /got "slave8"/],
  ] as const) {
    const answer = await api.call('POST', `/node/${name}/replace`);
    t.is(answer.status, status, name);
    t.like(answer.body, { success: false, error: { code } });
    t.is(answer.body.reason, answer.body.error.message);
    t.regex(answer.body.reason, reason);
  }
  t.deepEqual(api.state.nodes.all(), nodes);
});

test('While a cluster job runs no node is replaced', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, DEAD)] });
  const { id } = await api.jobs.start('BACKUP', {});
  const { status, body } = await api.call('POST', '/node/slave1/replace');
  t.is(status, 409);
  t.like(body, { success: false, error: { code: 'JOB_RUNNING' }, job: id });
});

test('To remove a node without saying yes does nothing, and tells what it would do', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, RESERVED), aNode(2), aNode(3, FORMER)] });
  const before = api.state.nodes.all();
  for (const [path, message] of [
    ['slave1/remove', /node\.1\.executor on slave1 would leave the ring.* its volume \S+\.data-0 and its reservation/],
    ['slave2/remove?yesDeleteData=false', /slave2 would leave the ring.* what it has stored is never used again/],
    ['slave3/remove', /is no member any more; its volume \S+\.data-0 and its reservation would be deleted for good/],
  ] as const) {
    const { status, body } = await api.call('POST', `/node/${path}`);
    t.is(status, 400);
    t.like(body, { started: false, error: { code: 'BAD_REQUEST' } });
    t.regex(body.error.message, message);
    t.regex(body.error.hint, /yesDeleteData=true/);
  }
  t.deepEqual(api.state.nodes.all(), before);
  t.is(api.jobs.list().length, 0);
});

test('A member is removed by a cluster job', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/node/slave1/remove?yesDeleteData=true');
  t.is(status, 200);
  t.deepEqual(body, { started: true, job: 1, executorId: ID, hostname: 'slave1', ip: '127.0.0.2' });
  const running = await api.call('GET', '/cluster/remove/status');
  t.like(running.body, { running: true, remove: { id: 1, type: 'REMOVE', remainingNodes: [ID] } });
  t.is((await api.call('POST', '/node/slave2/remove?yesDeleteData=true')).body.error.code, 'JOB_RUNNING');
  t.deepEqual((await api.call('POST', '/cluster/remove/abort')).body, { aborted: true });
});

test('Of a node that was replaced only what is left is deleted, without a job', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, FORMER)] });
  const { body } = await api.call('POST', `/node/${ID}/remove`, { json: { yesDeleteData: true } });
  t.deepEqual(body, { started: true, job: null, executorId: ID, hostname: 'slave1', ip: '127.0.0.2' });
  t.true(api.state.nodes.get(ID)?.deleteData);
  t.is(api.jobs.list().length, 0);
});

test('Where a member and a former node share a host, removal wants the executor id', async (t) => {
  const nodes = [aNode(0), aNode(1, FORMER), aNode(2, { hostname: 'slave1', ip: '127.0.0.2' })];
  const api = await startApi(t, { nodes });
  const { status, body } = await api.call('POST', '/node/slave1/remove?yesDeleteData=true');
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'NODE_AMBIGUOUS' } });
  t.deepEqual(body.candidates, [ID, 'cassandra.dev.node.2.executor']);
  t.deepEqual(api.state.nodes.all(), nodes);
});

test('To terminate a node is refused with the two ways that say who gets its data', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/node/slave1/terminate');
  t.is(status, 400);
  t.regex(body.error.hint, /\/replace .*\/remove /);
  t.is(api.state.nodes.get(ID)?.targetRunState, 'RUN');
  t.is((await api.call('POST', '/node/slave9/terminate')).status, 404);
});

test('A node becomes a seed and stops being one', async (t) => {
  const api = await startApi(t);
  const node = { ip: '127.0.0.2', hostname: 'slave1', executorId: ID };
  const change = async (action: string) => (await api.call('POST', `/node/slave1/${action}`)).body as unknown;
  t.deepEqual(await change('make-seed'), { ...node, oldSeedState: false, success: true, seedState: true });
  t.deepEqual(await change('make-seed'), { ...node, oldSeedState: true, success: false, seedState: true });
  t.deepEqual((await api.call('GET', '/node/seed/all')).body.seeds, ['127.0.0.1', '127.0.0.2']);
  t.deepEqual(await change('make-non-seed'), { ...node, oldSeedState: true, success: true, seedState: false });
  t.deepEqual(await change('make-non-seed'), { ...node, oldSeedState: false, success: false, seedState: false });
});

test('The last seed stays one', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/node/slave0/make-non-seed');
  t.is(status, 400);
  t.like(body, { success: false, error: { message: 'Must not remove the last live seed node' } });
  t.true(api.state.nodes.get('cassandra.dev.node.0.executor')?.seed);
  t.like((await api.call('POST', '/node/slave9/make-seed')).body, {
    success: false,
    error: { code: 'NODE_NOT_FOUND' },
  });
});

test('The number of nodes grows, and may be said again', async (t) => {
  const api = await startApi(t);
  t.deepEqual((await api.call('POST', '/scale/nodes?nodeCount=5')).body, { newNodeCount: 5 });
  t.deepEqual((await api.call('POST', '/scale/nodes', { json: { nodeCount: 5 } })).body, { newNodeCount: 5 });
  t.is(api.state.nodes.all().length, 5);
});

test('The number of nodes does not shrink', async (t) => {
  const api = await startApi(t);
  for (const query of ['?nodeCount=2', '']) {
    const { status, body } = await api.call('POST', `/scale/nodes${query}`);
    t.is(status, 400);
    t.like(body, { message: 'Can not decrease the number of nodes.', error: { code: 'BAD_REQUEST' } });
    t.truthy(body.error.hint);
  }
  for (const query of ['nodeCount=many', 'nodeCount=0', 'nodeCount=-1', 'nodes=5']) {
    const { status, body } = await api.call('POST', `/scale/nodes?${query}`);
    t.is(status, 400, query);
    t.is(body.message, body.error.message);
  }
  t.is(api.state.nodes.all().length, 3);
});

test('To destroy the cluster takes a yes and its name, else nothing happens', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, RESERVED)] });
  const before = api.state.nodes.all();
  for (const query of ['', '?yesDeleteData=true', '?cluster=dev', '?yesDeleteData=true&cluster=prod']) {
    const { status, body } = await api.call('POST', `/cluster/destroy${query}`);
    t.is(status, 400, query);
    t.like(body, { started: false, error: { code: 'BAD_REQUEST' } });
    t.regex(
      body.error.message,
      /all nodes of dev \(2\) would be stopped, their volumes \(1\) and reservations deleted/,
    );
  }
  t.deepEqual(api.state.nodes.all(), before);
  const { body } = await api.call('POST', '/cluster/destroy?yesDeleteData=true&cluster=dev');
  t.deepEqual(body, { started: true, cluster: 'dev', nodes: ['cassandra.dev.node.0.executor', ID] });
  t.true(api.state.nodes.all().every(({ targetRunState, deleteData }) => targetRunState === 'TERMINATE' && deleteData));
});
