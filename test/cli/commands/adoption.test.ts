import test from 'ava';
import type { ForeignBackup } from '../../../src/model/foreign-backup.ts';
import { startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';
const FOUND: ForeignBackup[] = [
  {
    madeBy: 'cassandra-mesos',
    framework: 'cassandra.dev',
    name: 'monday',
    nodes: [NODE],
    keyspaces: ['crm', 'shop'],
    sstableVersions: ['nb'],
    message: null,
  },
  {
    madeBy: 'cassandra-mesos',
    framework: 'cassandra',
    name: 'old',
    nodes: [NODE],
    keyspaces: ['shop'],
    sstableVersions: ['ka'],
    message: 'SSTables of version ka cannot be read',
  },
  {
    madeBy: 'dcos-cassandra',
    framework: 'friday',
    name: 'friday',
    nodes: ['node-0'],
    keyspaces: ['shop'],
    sstableVersions: ['mc'],
    message: null,
  },
];
const reader = {
  list: () => Promise.resolve({ seen: true as const, found: [] }),
  read: () => Promise.resolve({ seen: true as const, found: null }),
  foreign: () => Promise.resolve({ seen: true as const, found: FOUND }),
  ownBytes: () => null,
  countOwnBytes: () => Promise.resolve(null),
};

test('What another program has made is listed a line each, with what is against it', async (t) => {
  const api = await startApi(t, { reader });
  t.is(
    (await cli(api, 'backup', 'foreign')).stdout,
    [
      'BACKUP  FROM           MADE BY          NODES  KEYSPACES  SSTABLES',
      'monday  cassandra.dev  cassandra-mesos      1  crm, shop  nb',
      'old     cassandra      cassandra-mesos      1  shop       ka',
      'friday  friday         dcos-cassandra       1  shop       mc',
      'old: SSTables of version ka cannot be read',
      '',
    ].join('\n'),
  );
});

test('Where the scheduler cannot look, the command says so', async (t) => {
  const { stdout } = await cli(await startApi(t), 'backup', 'foreign', '--location', 'file:///far');
  t.is(stdout, 'The scheduler cannot look into file:///far: it is not mounted here.\n');
});

test('An adoption is started, and its job named', async (t) => {
  const api = await startApi(t, { reader, found: 'INCOMPLETE' });
  const { code, stdout } = await cli(api, 'backup', 'adopt', 'monday', '--from', 'cassandra.dev');
  t.is(code, 0);
  t.is(stdout, 'Started adoption of monday as job 1; `adoption status` shows it.\n');
  t.like(api.jobs.running(), { type: 'ADOPT', backupName: 'monday', parameters: { adoptFrom: 'cassandra.dev' } });
});

test('An adoption of what is not there is refused', async (t) => {
  const api = await startApi(t, { reader, found: 'ABSENT' });
  const { code, stderr } = await cli(api, 'backup', 'adopt', 'old');
  t.is(code, 1);
  t.regex(stderr, /BACKUP_NOT_FOUND[\s\S]*say from=cassandra/);
});

test('Whose the folders are is said with --node-map', async (t) => {
  const api = await startApi(t, { reader, found: 'INCOMPLETE' });
  const { code, stderr } = await cli(api, 'backup', 'adopt', 'from-dcos', '--from', 'friday', '--node-map', 'node-0=0');
  t.is(code, 0, stderr);
  t.like(api.jobs.running(), { parameters: { adoptFrom: 'friday', nodeMap: { 'node-0': 0 } } });
});
