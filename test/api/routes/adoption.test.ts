import test from 'ava';
import type { BackupReader } from '../../../src/jobs/backup-reader.ts';
import type { ForeignBackup } from '../../../src/model/foreign-backup.ts';
import { emptySummary } from '../../../src/model/backup-summary.ts';
import { startApi } from '../helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';
const FOREIGN: ForeignBackup = {
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
  t.like(body, { started: false, error: { code: 'SCHEMA_MISMATCH', message: old.message } });
  t.is(api.jobs.running(), null);
});

test('A name that has a record is taken', async (t) => {
  const api = await startApi(t, { reader: readerOf(), found: 'COMPLETE' });
  const { status, body } = await api.call('POST', '/cluster/backups/adopt?name=ours');
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'NAME_TAKEN' } });
});

test('A folder is one folder, and a name is needed', async (t) => {
  const api = await startApi(t, { reader: readerOf(FOREIGN), found: 'ABSENT' });
  for (const from of ['..', '.', 'a/b', '', '%5C', '%00']) {
    const { status, body } = await api.call('POST', `/cluster/backups/adopt?name=monday&from=${from}`);
    t.is(status, 400, from);
    t.regex(body.error.message, /from: expected the name of one folder/);
  }
  t.like((await api.call('POST', '/cluster/backups/adopt')).body, { error: { code: 'NAME_REQUIRED' } });
  t.like((await api.call('POST', '/cluster/backups/adopt?name=.x')).body, { error: { code: 'NAME_INVALID' } });
  t.is(api.jobs.running(), null);
});
