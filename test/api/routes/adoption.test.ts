import test from 'ava';
import type { BackupReader } from '../../../src/jobs/backup-reader.ts';
import type { ForeignBackup } from '../../../src/model/foreign-backup.ts';
import { emptySummary } from '../../../src/model/backup-summary.ts';
import { aNode, startApi } from '../helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';
const FOREIGN: ForeignBackup = {
  madeBy: 'cassandra-mesos',
  framework: 'cassandra.dev',
  name: 'monday',
  nodes: [NODE],
  keyspaces: ['shop'],
  sstableVersions: ['nb'],
  message: null,
};

/** A location that the scheduler's host can see, with one backup of ours. */
function readerOf(...backups: ForeignBackup[]): BackupReader {
  return {
    list: () => Promise.resolve({ seen: true, found: [emptySummary('ours', 'COMPLETE', null, [NODE])] }),
    read: () => Promise.resolve({ seen: true, found: null }),
    foreign: () => Promise.resolve({ seen: true, found: backups }),
    ownBytes: () => null,
    countOwnBytes: () => Promise.resolve(null),
  };
}

test('What another program has made is listed', async (t) => {
  const api = await startApi(t, { reader: readerOf(FOREIGN) });
  const { status, body } = await api.call('GET', '/cluster/backups/foreign?location=file:///old/');
  t.is(status, 200);
  t.deepEqual(body, { location: 'file:///old', seen: true, reason: null, backups: [FOREIGN] });
});

test('Where the scheduler cannot look it says so, and leaves it to the nodes', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('GET', '/cluster/backups/foreign');
  t.deepEqual(body, { location: 'file:///backup', seen: false, reason: 'it is not mounted here', backups: [] });
  const sandbox = await api.call('GET', '/cluster/backups/foreign?location=backup');
  t.like(sandbox.body, { seen: false, reason: /sandbox/.exec(sandbox.body.reason)?.input });
  t.is((await api.call('POST', '/cluster/backups/adopt?name=monday')).status, 200);
});

test('An adoption is a job of its own', async (t) => {
  const api = await startApi(t, { reader: readerOf(FOREIGN), found: 'ABSENT' });
  const started = await api.call('POST', '/cluster/backups/adopt', {
    json: { name: 'monday', from: 'cassandra.dev', strategy: 'parallel', concurrency: 2 },
  });
  t.deepEqual(started.body, { started: true, name: 'monday', job: 1 });
  t.like(api.jobs.running(), {
    type: 'ADOPT',
    backupName: 'monday',
    parameters: { adoptFrom: 'cassandra.dev', concurrency: 2 },
  });
  const { body } = await api.call('GET', '/cluster/adopt/status');
  t.like(body, { running: true, adopt: { type: 'ADOPT', backupName: 'monday', adoptFrom: 'cassandra.dev' } });
  t.like((await api.call('GET', '/cluster/backups/monday')).body, { name: 'monday', state: 'RUNNING' });
});

test('Where nothing of that name is there the answer is 404, and names the folder that has it', async (t) => {
  const api = await startApi(t, { reader: readerOf({ ...FOREIGN, framework: 'cassandra' }), found: 'ABSENT' });
  const missing = await api.call('POST', '/cluster/backups/adopt?name=tuesday');
  t.is(missing.status, 404);
  t.like(missing.body, { started: false, error: { code: 'BACKUP_NOT_FOUND' } });
  const elsewhere = await api.call('POST', '/cluster/backups/adopt?name=monday');
  t.like(elsewhere.body, { error: { code: 'BACKUP_NOT_FOUND', hint: 'One is in cassandra: say from=cassandra.' } });
  t.is((await api.call('POST', '/cluster/backups/adopt?name=monday&from=cassandra')).status, 200);
});

test('What no Cassandra of ours can read is refused at once', async (t) => {
  const old = { ...FOREIGN, sstableVersions: ['ka'], message: 'SSTables of version ka cannot be read' };
  const api = await startApi(t, { reader: readerOf(old), found: 'ABSENT' });
  const { status, body } = await api.call('POST', '/cluster/backups/adopt?name=monday');
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'SCHEMA_MISMATCH' } });
  t.regex(body.error.message, /^SSTables of version ka/);
  t.is(api.jobs.running(), null);
});

test('A name that has a record is taken', async (t) => {
  const api = await startApi(t, { reader: readerOf(), found: 'COMPLETE' });
  const { status, body } = await api.call('POST', '/cluster/backups/adopt?name=ours');
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'NAME_TAKEN' } });
});

test('A folder lies in the location, and a name is needed', async (t) => {
  const api = await startApi(t, { reader: readerOf(FOREIGN), found: 'ABSENT' });
  for (const from of ['..', '.', 'a//b', 'a/', '/a', 'a/../b', '', '%5C', '%00']) {
    const { status, body } = await api.call('POST', `/cluster/backups/adopt?name=monday&from=${from}`);
    t.is(status, 400, from);
    t.regex(body.error.message, /from: expected a folder of the location/);
  }
  t.like((await api.call('POST', '/cluster/backups/adopt')).body, { error: { code: 'NAME_REQUIRED' } });
  t.like((await api.call('POST', '/cluster/backups/adopt?name=.x')).body, { error: { code: 'NAME_INVALID' } });
  t.is(api.jobs.running(), null);
});

const DCOS: ForeignBackup = {
  ...FOREIGN,
  madeBy: 'dcos-cassandra',
  framework: 'friday',
  name: 'friday',
  nodes: ['node-0'],
};

test('A backup of DC/OS is found by its name, or adopted from its folder under any', async (t) => {
  for (const query of ['name=friday', 'name=from-dcos&from=friday', 'name=from-dcos&from=friday&nodeMap=node-0=0']) {
    const api = await startApi(t, { reader: readerOf(DCOS), found: 'ABSENT' });
    const { status, body } = await api.call('POST', `/cluster/backups/adopt?${query}`);
    t.is(status, 200, JSON.stringify(body));
  }
  const nameless = { ...DCOS, framework: 'last week', name: 'last week', message: 'its name is none that we take' };
  const api = await startApi(t, { reader: readerOf(nameless), found: 'ABSENT' });
  t.is((await api.call('POST', '/cluster/backups/adopt?name=last-week&from=last%20week')).status, 200);
  t.is((await api.call('POST', '/cluster/backups/adopt?name=last%20week')).status, 400);
});

test('Whose a folder is can be said in the query and in the body, and is kept with the job', async (t) => {
  for (const nodeMap of ['old host=0', { 'old host': 0 }]) {
    const tree = { ...DCOS, madeBy: 'cassandra_snapshotter' as const, nodes: ['old host'] };
    const api = await startApi(t, { reader: readerOf(tree), found: 'ABSENT' });
    await api.call('POST', '/cluster/backups/adopt', { json: { name: 'friday', nodeMap } });
    t.like(api.jobs.running(), { parameters: { nodeMap: { 'old host': 0 } } });
    t.like((await api.call('GET', '/cluster/adopt/status')).body, { adopt: { nodeMap: { 'old host': 0 } } });
  }
});

test('What is no map of folders to nodes of the cluster is refused', async (t) => {
  const api = await startApi(t, { reader: readerOf(DCOS), found: 'ABSENT' });
  for (const nodeMap of [
    'node-0',
    'node-0=',
    '=0',
    'node-0=0,node-0=1',
    'node-0=0,node-1=0',
    'a/b=0',
    'node-0=x',
    '',
  ]) {
    const { status, body } = await api.call('POST', `/cluster/backups/adopt?name=friday&nodeMap=${nodeMap}`);
    t.is(status, 400, nodeMap);
    t.regex(body.error.message, /nodeMap: expected folders and node numbers/);
  }
  const forerunner = await startApi(t, { reader: readerOf(FOREIGN), found: 'ABSENT' });
  const mapped = await forerunner.call('POST', `/cluster/backups/adopt?name=monday&nodeMap=${NODE}=0`);
  t.is(mapped.status, 400);
  t.regex(mapped.body.error.message, /Expected no nodeMap for a backup of the forerunner/);
  for (const nodeMap of ['node-7=0', 'node-0=7']) {
    const { status, body } = await api.call('POST', `/cluster/backups/adopt?name=friday&nodeMap=${nodeMap}`);
    t.is(status, 400, nodeMap);
    t.regex(body.error.message, /Expected in nodeMap folders of friday \(node-0\) and numbers of nodes/);
  }
});

test('A tree of more nodes than there are is refused: what some have stored would be missing', async (t) => {
  const nodes = Array.from({ length: 9 }, (_, number) => `node-${number}`);
  const api = await startApi(t, { reader: readerOf({ ...DCOS, nodes }), found: 'ABSENT' });
  const { status, body } = await api.call('POST', '/cluster/backups/adopt?name=friday');
  t.is(status, 409);
  t.like(body, { error: { code: 'TOPOLOGY_MISMATCH' } });
  t.is(api.jobs.running(), null);
});

test('A folder by the name of a host that has several nodes is refused, until it is said whose it is', async (t) => {
  const nodes = [0, 1].map((number) => aNode(number, { hostname: 'big' }));
  const tree = { ...DCOS, madeBy: 'cassandra_snapshotter' as const, nodes: ['big'] };
  const api = await startApi(t, { nodes, reader: readerOf(tree), found: 'ABSENT' });
  const { status, body } = await api.call('POST', '/cluster/backups/adopt?name=friday');
  t.is(status, 409);
  t.like(body, { error: { code: 'TOPOLOGY_MISMATCH', hint: 'Say whose it is: nodeMap=big=<node number>.' } });
  t.is((await api.call('POST', '/cluster/backups/adopt?name=friday&nodeMap=big=1')).status, 200);
});
