import test from 'ava';
import { emptySummary } from '../../../src/model/backup-summary.ts';
import { startApi } from '../../api/helpers.ts';
import { ended } from '../../api/job-fixtures.ts';
import { cli } from '../helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';
const MONDAY = {
  ...emptySummary('monday', 'COMPLETE', null, [NODE]),
  started: 1_800_000_000_000,
  finished: 1_800_000_060_000,
  files: 8,
  bytes: 4096,
  bytesSent: 1024,
  mode: 'incremental' as const,
  coding: { encrypted: true, keyIds: ['2026-10', '2026-11'], compression: ['zstd'] },
  keyspaces: { shop: { tables: 1, files: 8, bytes: 4096 } },
  cassandraVersion: '5.0.5',
  schemaVersion: 's1',
  verification: {
    when: 1_800_000_100_000,
    deep: true,
    result: 'FAILURE' as const,
    damagedFiles: 1,
    damaged: [{ executorId: NODE, path: 'shop/users/nb-1-big-Data.db', problem: 'it is missing' }],
  },
};
const PART = { executorId: NODE, hostId: 'h0', hostname: 'slave0', ip: '127.0.0.1', files: 8, bytes: 4096 };
const reader = {
  list: () => Promise.resolve({ seen: true as const, found: [MONDAY] }),
  foreign: () => Promise.resolve({ seen: true as const, found: [] }),
  ownBytes: () => 2048,
  countOwnBytes: () => Promise.resolve(null),
  read: () => Promise.resolve({ seen: true as const, found: { summary: MONDAY, parts: [PART], missing: [] } }),
};

test('Backups are listed a line each', async (t) => {
  const api = await startApi(t, { reader });
  t.is(
    (await cli(api, 'backup', 'list')).stdout,
    [
      'BACKUP  STATE    STARTED               NODES  SIZE     VERIFIED                            LOCATION',
      'monday  DAMAGED  2027-01-15T08:00:00Z      1  4.0 KiB  2027-01-15T08:01:40Z deep, damaged  file:///backup',
      '',
    ].join('\n'),
  );
});

test('One backup is shown with its nodes, its keyspaces and what is damaged', async (t) => {
  const api = await startApi(t, { reader });
  t.is(
    (await cli(api, 'backup', 'show', 'monday')).stdout,
    [
      'Backup monday: DAMAGED, 1 file is damaged, says its last verification',
      'Location file:///backup',
      'Started 2027-01-15T08:00:00Z, finished 2027-01-15T08:01:00Z',
      '8 files, 4.0 KiB, Cassandra 5.0.5, schema s1',
      'Incremental: 1.0 KiB sent; its deletion frees 2.0 KiB',
      'Files are encrypted with the keys 2026-10, 2026-11 and compressed by zstd',
      'Verified: 2027-01-15T08:01:40Z deep, damaged',
      '',
      'NODE                           HOSTNAME  IP         FILES  SIZE',
      'cassandra.dev.node.0.executor  slave0    127.0.0.1      8  4.0 KiB',
      '',
      'KEYSPACE  TABLES  FILES  SIZE',
      'shop           1      8  4.0 KiB',
      '',
      'Damaged:',
      '  cassandra.dev.node.0.executor shop/users/nb-1-big-Data.db: it is missing',
      '',
    ].join('\n'),
  );
});

test('What cannot be seen is said to be told from memory; no backups are said to be none', async (t) => {
  const api = await startApi(t);
  t.is((await cli(api, 'backup', 'list')).stdout, 'There are no backups.\n');
  await api.jobs.start('BACKUP', { name: 'monday' });
  t.regex(
    (await cli(api, 'backup', 'list')).stdout,
    /file:\/\/\/backup is told from memory: it is not mounted here\.\n$/,
  );
});

test('A verification and a deletion are started, and waited for when asked to', async (t) => {
  const api = await startApi(t, { found: 'COMPLETE' });
  const started = await cli(api, 'backup', 'verify', 'monday', '--deep');
  t.deepEqual(
    [started.code, started.stdout],
    [0, 'Started verification of monday as job 1; `verification status` shows it.\n'],
  );
  t.like(api.jobs.running(), { type: 'VERIFY', parameters: { deep: true } });
  t.regex((await cli(api, 'verification', 'status')).stdout, /^Verification of monday \(job 1\): RUNNING/);
  api.jobs.update(1, (job) => ended(job, 'FAILURE'));
  t.is((await cli(api, 'verification', 'last')).code, 1);

  const json = await cli(api, 'backup', 'delete', 'monday', '--force', '--location', 'file:///other', '--json');
  t.deepEqual(JSON.parse(json.stdout), { started: true, job: 2 });
  t.like(api.jobs.running(), { type: 'DELETE', location: 'file:///other', parameters: { force: true } });
  api.jobs.update(2, (job) => ended(job, 'SUCCESS'));

  api.woken.once('wake', () => api.jobs.update(3, (job) => ended(job, 'SUCCESS')));
  const waited = await cli(api, 'backup', 'verify', 'monday', '--wait');
  t.is(waited.code, 0);
  t.regex(waited.stdout, /^Verification of monday \(job 3\): SUCCESS/);
});

test('What the scheduler refuses ends with its words and a code of its own', async (t) => {
  const api = await startApi(t, {
    reader: { ...reader, list: () => Promise.resolve({ seen: true, found: [{ ...MONDAY, verification: null }] }) },
  });
  const { code, stderr } = await cli(api, 'backup', 'delete', 'monday');
  t.is(code, 1);
  t.regex(stderr, /Backup monday is the only whole one at file:\/\/\/backup \(BACKUP_NEEDED\)\nMake another one/);
});

test('A pruning shows what stays, why, and what goes, before it is done', async (t) => {
  const monday = { ...MONDAY, finished: 1_000 };
  const tuesday = { ...MONDAY, name: 'tuesday', finished: 2_000, verification: null };
  const list = () => Promise.resolve({ seen: true as const, found: [monday, tuesday] });
  const api = await startApi(t, { reader: { ...reader, list } });
  const { stdout, code } = await cli(api, 'backup', 'prune', '--keep-last', '1', '--dry-run');
  t.is(code, 0);
  t.is(
    stdout,
    [
      'BACKUP          WHY',
      'tuesday  stays  the newest whole one, one of the last 1',
      'monday   goes   damaged, 4.0 KiB, 2.0 KiB its own',
      '',
    ].join('\n'),
  );
  t.regex((await cli(api, 'backup', 'prune', '--keep-last', '1')).stdout, /goes[^]*Started pruning as job 1/);
});
