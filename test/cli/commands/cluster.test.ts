import test from 'ava';
import type { OfferReport, WaitingNeed } from '../../../src/model/offer-report.ts';
import { aNode, NOW, startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

const VOLUME = { id: 'cassandra.dev.node.0.executor.data-0', containerPath: 'data-0' };

test('scale says how many nodes are wanted', async (t) => {
  const api = await startApi(t);
  t.like(await cli(api, 'scale', '5'), {
    code: 0,
    stdout: '5 nodes are wanted; `node list` shows how many are there.\n',
    stderr: '',
  });
  t.is(api.state.nodes.all().length, 5);
  t.deepEqual(JSON.parse((await cli(api, 'scale', '5', '--json')).stdout), { newNodeCount: 5 });
});

test('scale does not shrink, and wants a number', async (t) => {
  const api = await startApi(t);
  for (const [count, message] of [
    ['2', /^Error: Can not decrease the number of nodes\. \(BAD_REQUEST\)/],
    ['many', /nodeCount: expected a whole number from 1, got "many"/],
  ] as const) {
    const { code, stdout, stderr } = await cli(api, 'scale', count);
    t.deepEqual([code, stdout], [2, '']);
    t.regex(stderr, message);
  }
  t.is((await cli(api, 'scale')).code, 2);
  t.is(api.state.nodes.all().length, 3);
});

test('offers shows a table of the last offers, and what waits and why', async (t) => {
  const offers: OfferReport[] = [
    { agentId: 'a-0', hostname: 'slave0', received: NOW, launched: [], reason: 'port 9042 is not in the offer' },
    {
      agentId: 'a-1',
      hostname: 'slave10',
      received: NOW,
      launched: ['cassandra.dev.node.1.executor.server.1'],
      reason: '',
    },
  ];
  const waiting: WaitingNeed[] = [
    { executorId: 'cassandra.dev.node.2.executor', kind: 'server', reason: 'waits for an offer' },
  ];
  const api = await startApi(t, { deps: { offers: () => ({ offers, waiting }) } });
  const { code, stdout } = await cli(api, 'offers');
  t.is(code, 0);
  t.is(
    stdout,
    [
      'HOST     DECISION  RECEIVED              REASON',
      'slave0   DECLINED  2027-01-15T08:00:00Z  port 9042 is not in the offer',
      'slave10  LAUNCHED  2027-01-15T08:00:00Z  -',
      '',
      'WAITING NODE                   FOR    REASON',
      'cassandra.dev.node.2.executor  start  waits for an offer',
      '',
    ].join('\n'),
  );
  const json = await cli(api, 'offers', '--json');
  t.deepEqual(JSON.parse(json.stdout), (await api.call('GET', '/offers/last')).body);
});

test('offers says when there is nothing to say', async (t) => {
  const api = await startApi(t);
  t.is((await cli(api, 'offers')).stdout, 'No offer has come yet.\n\nNothing waits.\n');
});

test('cluster destroy without a yes and the name destroys nothing, and tells what it would', async (t) => {
  const nodes = [aNode(0, { reservation: { volumes: [VOLUME], made: true } }), aNode(1)];
  const api = await startApi(t, { nodes });
  for (const args of [[], ['--yes-delete-data'], ['--cluster', 'dev'], ['--yes-delete-data', '--cluster', 'prod']]) {
    const { code, stdout, stderr } = await cli(api, 'cluster', 'destroy', ...args);
    t.deepEqual([code, stdout], [2, ''], args.join(' '));
    t.regex(stderr, /all nodes of dev \(2\) would be stopped, their volumes \(1\) and reservations deleted for good/);
    t.regex(stderr, /--yes-delete-data --cluster dev/);
  }
  t.deepEqual(api.state.nodes.all(), nodes);
});

test('cluster destroy with both destroys', async (t) => {
  const api = await startApi(t);
  const { code, stdout } = await cli(api, 'cluster', 'destroy', '--yes-delete-data', '--cluster', 'dev');
  t.deepEqual([code, stdout], [0, 'dev is being destroyed; `node list` shows what is left.\n']);
  t.true(api.state.nodes.all().every(({ deleteData }) => deleteData));
});
