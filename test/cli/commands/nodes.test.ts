import test from 'ava';
import { aNode, startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

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

test('An unknown node is wrong usage, a missing one too', async (t) => {
  const api = await startApi(t);
  const unknown = await cli(api, 'node', 'stop', '../slave1');
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /NODE_NOT_FOUND/);
  const missing = await cli(api, 'node', 'stop');
  t.is(missing.code, 2);
  t.regex(missing.stderr, /missing required argument 'node'/);
});
