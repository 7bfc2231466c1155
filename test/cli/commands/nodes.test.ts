import { once } from 'node:events';
import test from 'ava';
import { aNode, startApi } from '../../api/helpers.ts';
import { ended } from '../../api/job-fixtures.ts';
import { cli, startHere } from '../helpers.ts';

test('Nodes are listed in aligned columns, with what went wrong', async (t) => {
  const api = await startApi(t, {
    nodes: [aNode(0), aNode(1, { health: null, healthAt: null, lastError: 'out of memory' })],
  });
  const { code, stdout } = await cli(api, 'node', 'list');
  t.is(code, 0);
  const [headings = '', first = '', second = ''] = stdout.split('\n');
  t.is(first.indexOf('127.0.0.1'), headings.indexOf('IP'));
  t.is(second.indexOf('slave1'), headings.indexOf('HOSTNAME'));
  t.regex(first, /RUNNING +NORMAL +RUN +yes +5\.0\.5 +2027-01-15T07:59:59Z$/);
  t.regex(stdout, /cassandra\.dev\.node\.1\.executor: out of memory/);
  t.regex(stdout, /1 more to be placed/);
  const json = await cli(api, 'node', 'list', '--json');
  t.deepEqual(JSON.parse(json.stdout), (await api.call('GET', '/node/all')).body);
});

test('An empty ring is no empty table', async (t) => {
  const api = await startApi(t, { nodes: [] });
  t.regex((await cli(api, 'node', 'list')).stdout, /^There are no nodes\.\n3 more to be placed on agents/);
});

for (const [order, target] of [
  ['stop', 'STOP'],
  ['start', 'RUN'],
  ['restart', 'RESTART'],
] as const) {
  test(`node ${order} tells the scheduler`, async (t) => {
    const api = await startApi(t);
    const { code, stdout } = await cli(api, 'node', order, 'slave1');
    t.is(code, 0);
    t.true(stdout.includes('cassandra.dev.node.1.executor') && stdout.includes(target));
    t.is(api.state.nodes.get('cassandra.dev.node.1.executor')?.targetRunState, target);
  });
}

const ID = 'cassandra.dev.node.1.executor';
const DEAD = { serverState: 'NONE', serverTaskId: null, lastError: 'TASK_LOST: the agent is gone' } as const;

test('A dead node is replaced, and the list shows the new one and what is left of the old', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, DEAD), aNode(2)] });
  const { code, stdout } = await cli(api, 'node', 'replace', 'slave1');
  t.is(code, 0);
  t.is(stdout, `cassandra.dev.node.3.executor takes the place of ${ID}; \`node list\` shows how far it is.\n`);
  const list = (await cli(api, 'node', 'list')).stdout;
  t.regex(list, /^cassandra\.dev\.node\.3\.executor takes the place of 127\.0\.0\.2\.$/m);
  t.regex(
    list,
    /deletes what is left:\nNODE .*VOLUMES\ncassandra\.dev\.node\.1\.executor +slave1 +127\.0\.0\.2 +NONE +0\n$/,
  );
});

test('A node that is not dead is not replaced', async (t) => {
  const api = await startApi(t);
  const { code, stderr } = await cli(api, 'node', 'replace', 'slave1');
  t.is(code, 2);
  t.regex(stderr, /^Error: .* is not dead: .*\(BAD_REQUEST\)\nStop it first/);
});

test('node remove without a yes removes nothing, and tells what it would', async (t) => {
  const api = await startApi(t);
  const { code, stdout, stderr } = await cli(api, 'node', 'remove', 'slave1');
  t.deepEqual([code, stdout], [2, '']);
  t.regex(stderr, /on slave1 would leave the ring for ever; the other nodes take over its data/);
  t.regex(stderr, /--yes-delete-data/);
  t.is(api.jobs.list().length, 0);
  const json = await cli(api, 'node', 'remove', 'slave1', '--json');
  t.is(json.code, 2);
  t.like(JSON.parse(json.stdout), { started: false, error: { code: 'BAD_REQUEST' } });
});

test('node remove starts a job, and can wait for its end', async (t) => {
  const api = await startApi(t);
  const { code, stdout } = await cli(api, 'node', 'remove', 'slave1', '--yes-delete-data');
  t.is(code, 0);
  t.is(stdout, `Started removal of ${ID} as job 1; \`removal status\` shows it.\n`);
  t.regex((await cli(api, 'removal', 'status')).stdout, /^Removal \(job 1\): RUNNING\nStarted .*, 0 of 1 node\n/);
  api.jobs.update(1, (job) => ended(job, 'SUCCESS'));
  const started = once(api.woken, 'wake');
  const command = startHere(['node', 'remove', 'slave2', '--yes-delete-data', '--wait'], { url: api.url });
  await started;
  api.jobs.update(2, (job) => ended(job, 'FAILURE'));
  t.is((await command.ends()).code, 1);
});

test('What is left of a replaced node is deleted without a job', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, { ...DEAD, targetRunState: 'TERMINATE' })] });
  const { code, stdout } = await cli(api, 'node', 'remove', ID, '--yes-delete-data', '--wait');
  t.is(code, 0);
  t.is(stdout, `What is left of ${ID} is deleted when its agent offers it.\n`);
  t.true(api.state.nodes.get(ID)?.deleteData);
});

test('A node is made a seed and no seed', async (t) => {
  const api = await startApi(t);
  const make = async (order: string) => (await cli(api, 'node', order, 'slave1')).stdout;
  t.is(await make('make-seed'), `${ID} is a seed now.\n`);
  t.is(await make('make-seed'), `${ID} was a seed already.\n`);
  t.is(await make('make-non-seed'), `${ID} is no seed now.\n`);
  const { code, stderr } = await cli(api, 'node', 'make-non-seed', 'slave0');
  t.is(code, 2);
  t.regex(stderr, /Must not remove the last live seed node/);
});

test('The list shows the settings that a rolling restart would apply', async (t) => {
  const pendingChanges = { [ID]: { heapMb: { from: 512, to: 1024 }, rack: { from: null, to: 'RAC2' } } };
  const api = await startApi(t, { deps: { config: () => ({ pendingChanges }) } });
  const { stdout } = await cli(api, 'node', 'list');
  t.true(
    stdout.endsWith(
      [
        '',
        'To be applied by `rolling-restart start`:',
        'NODE                           SETTING  FROM  TO',
        `${ID}  heapMb   512   1024`,
        `${ID}  rack     null  RAC2`,
        '',
      ].join('\n'),
    ),
    stdout,
  );
});

test('An unknown node is wrong usage, a missing one too', async (t) => {
  const api = await startApi(t);
  const unknown = await cli(api, 'node', 'stop', '../slave1');
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /NODE_NOT_FOUND/);
  const missing = await cli(api, 'node', 'stop');
  t.is(missing.code, 2);
  t.regex(missing.stderr, /missing required argument 'node'/);
});
