import test from 'ava';
import type { BackupReader } from '../../../src/jobs/backup-reader.ts';
import { emptySummary, type BackupSummary } from '../../../src/model/backup-summary.ts';
import { startApi } from '../helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';
const DAMAGED = [{ executorId: NODE, path: 'shop/users/nb-1-big-Data.db', problem: 'it is missing' }];

function summary(name: string, change: Partial<BackupSummary> = {}): BackupSummary {
  const times = { started: 1_000, finished: 2_000 };
  return { ...emptySummary(name, 'COMPLETE', null, [NODE]), ...times, files: 8, bytes: 4096, ...change };
}

/** A location that the scheduler's host can see. */
function readerOf(...backups: BackupSummary[]): BackupReader {
  return {
    list: () => Promise.resolve({ seen: true, found: backups }),
    foreign: () => Promise.resolve({ seen: true, found: [] }),
    ownBytes: () => null,
    countOwnBytes: () => Promise.resolve(null),
    read: (_location, name) => {
      const found = backups.find((backup) => backup.name === name);
      const part = { executorId: NODE, hostId: 'h0', hostname: 'slave0', ip: '127.0.0.1', files: 8, bytes: 4096 };
      return Promise.resolve({ seen: true, found: found ? { summary: found, parts: [part], missing: [] } : null });
    },
  };
}

const VERIFICATION = { when: 3_000, deep: true, result: 'FAILURE', damagedFiles: 1, damaged: DAMAGED } as const;

test('The backups of a location are listed, and one is shown with its parts', async (t) => {
  const keyspaces = { shop: { tables: 1, files: 8, bytes: 4096 } };
  const reader = readerOf(summary('monday', { keyspaces }), summary('tuesday', { verification: VERIFICATION }));
  const api = await startApi(t, { reader });
  const { status, body } = await api.call('GET', '/cluster/backups');
  t.is(status, 200);
  t.like(body.backups, [
    { name: 'monday', state: 'COMPLETE', keyspaces, verified: null, seen: true, reason: null },
    { name: 'tuesday', state: 'DAMAGED', verified: { when: 3_000, deep: true, result: 'FAILURE' }, damaged: DAMAGED },
  ]);
  const one = await api.call('GET', '/cluster/backups/monday?location=file:///other');
  t.like(one.body, { name: 'monday', location: 'file:///other', nodeBackups: [{ executorId: NODE }], missing: [] });
});

test('What the scheduler cannot see it tells from memory, and says why', async (t) => {
  const api = await startApi(t);
  await api.jobs.start('BACKUP', { name: 'monday' });
  const { body } = await api.call('GET', '/cluster/backups');
  t.like(body.backups, [{ name: 'monday', state: 'RUNNING', job: 1, seen: false, reason: 'it is not mounted here' }]);
  t.like((await api.call('GET', '/cluster/backups/monday')).body, { state: 'RUNNING', seen: false });
});

test('A backup that is not there is 404, a name that is none 400, for all that is done with it', async (t) => {
  const api = await startApi(t, { reader: readerOf(), found: 'ABSENT' });
  const calls = [
    ['GET', '/cluster/backups/never', {}],
    ['POST', '/cluster/backups/never/verify', { started: false }],
    ['DELETE', '/cluster/backups/never', { started: false }],
  ] as const;
  for (const [method, path, old] of calls) {
    const missing = await api.call(method, path);
    t.is(missing.status, 404, path);
    t.like(missing.body, { ...old, error: { code: 'BACKUP_NOT_FOUND' } });
    const wrong = await api.call(method, path.replace('never', '.never'));
    t.is(wrong.status, 400, path);
    t.like(wrong.body, { ...old, error: { code: 'NAME_INVALID' } });
  }
  t.is(api.jobs.running(), null);
});

test('A verification is started as a job of its own, deep when that is said', async (t) => {
  const api = await startApi(t, { found: 'COMPLETE' });
  t.deepEqual((await api.call('POST', '/cluster/backups/monday/verify?deep=true')).body, { started: true, job: 1 });
  t.like(api.jobs.running(), { type: 'VERIFY', backupName: 'monday', parameters: { deep: true } });
  const { body } = await api.call('GET', '/cluster/verify/status');
  t.like(body, { running: true, verify: { type: 'VERIFY', deep: true, damaged: [], extra: [] } });
  const busy = await api.call('DELETE', '/cluster/backups/monday');
  t.is(busy.status, 409);
  t.like(busy.body, { started: false, job: 1, error: { code: 'JOB_RUNNING' } });
  t.deepEqual((await api.call('POST', '/cluster/verify/abort')).body, { aborted: true });
});

test('A deletion is started as a job; of the only whole backup by force only', async (t) => {
  const reader = readerOf(summary('monday'), summary('tuesday', { verification: VERIFICATION }));
  const api = await startApi(t, { reader, found: 'COMPLETE' });
  const refused = await api.call('DELETE', '/cluster/backups/monday');
  t.is(refused.status, 409);
  t.like(refused.body, { started: false, error: { code: 'BACKUP_NEEDED' } });
  t.is(api.jobs.running(), null);
  t.deepEqual((await api.call('DELETE', '/cluster/backups/monday?force=true')).body, { started: true, job: 1 });
  t.like(api.jobs.running(), { type: 'DELETE', parameters: { force: true } });
  t.like((await api.call('GET', '/cluster/backups/monday')).body, { state: 'DELETING' });
  t.deepEqual((await api.call('POST', '/cluster/delete/abort')).body, { aborted: true });
});

test('A deletion needs the token where a POST does', async (t) => {
  const deps = { boundToLoopback: false, token: 'secret' };
  const api = await startApi(t, { deps, found: 'COMPLETE' });
  const refused = await api.call('DELETE', '/cluster/backups/monday?force=true');
  t.is(refused.status, 401);
  t.like(refused.body, { started: false });
  const headers = { authorization: 'Bearer secret' };
  t.is((await api.call('DELETE', '/cluster/backups/monday?force=true', { headers })).status, 200);
});

test('A rescan says what it found where', async (t) => {
  const api = await startApi(t, { reader: readerOf(summary('monday')) });
  const { body } = await api.call('POST', '/cluster/backups/rescan');
  t.deepEqual(body, { locations: [{ location: 'file:///backup', seen: true, reason: null, backups: 1 }] });
  t.is(api.state.backups.find('file:///backup', 'monday')?.state, 'COMPLETE');
});

test('What a retention policy would do is shown with reasons, and done by a job', async (t) => {
  const DAY = 86_400_000;
  const old = summary('old', { finished: 1_000 });
  const api = await startApi(t, { reader: readerOf(summary('new', { finished: 1_000 + DAY }), old) });
  const path = '/cluster/backups/prune?keepLast=1';
  const dry = await api.call('POST', `${path}&dryRun=true`);
  t.is(dry.status, 200);
  t.deepEqual(dry.body.delete, [{ name: 'old', state: 'COMPLETE', bytes: 4096, bytesOwn: null }]);
  t.like(dry.body, { dryRun: true, keep: [{ name: 'new', reasons: ['the newest whole one', 'one of the last 1'] }] });
  t.is(api.jobs.running(), null);
  t.like((await api.call('POST', path)).body, { started: true, job: 1, delete: [{ name: 'old' }] });
  t.like(api.jobs.running(), { type: 'PRUNE', parameters: { names: ['old'] }, location: 'file:///backup' });
  t.is((await api.call('POST', path)).status, 409);
});

test('Nothing to prune starts nothing; a policy that keeps nothing is refused', async (t) => {
  const api = await startApi(t, { reader: readerOf(summary('new')) });
  t.like((await api.call('POST', '/cluster/backups/prune', { json: { keepDaily: 7, minAge: '12h' } })).body, {
    started: false,
    delete: [],
  });
  for (const query of ['', '?minAge=7d', '?keepLast=0', '?keepLast=1&minAge=soon', '?keepLast=1&timeZone=Nowhere']) {
    const { status, body } = await api.call('POST', `/cluster/backups/prune${query}`);
    t.is(status, 400, query);
    t.like(body, { error: { code: 'BAD_REQUEST' } });
  }
});

test('A renaming is started as a job; ids and names that are none are refused', async (t) => {
  const api = await startApi(t);
  const path = '/cluster/backups/rename-executor?from=cassandra.dev.node.0.executor';
  for (const query of ['', '&to=', '&to=..%2Fup', '&to=x&name=..', '&to=x&colour=red']) {
    t.is((await api.call('POST', `${path}${query}`)).status, 400, query);
  }
  t.like((await api.call('POST', `${path}&to=cassandra.dev.node.7.executor&name=monday&dryRun=true`)).body, {
    started: true,
  });
  t.like(api.jobs.running(), {
    type: 'RENAME',
    backupName: null,
    location: 'file:///backup',
    parameters: { names: ['monday'], dryRun: true, to: 'cassandra.dev.node.7.executor' },
  });
});

test('A policy speaks of one location, however many the scheduler knows', async (t) => {
  const api = await startApi(t, {
    reader: {
      ...readerOf(),
      list: (location) =>
        Promise.resolve({
          seen: true,
          found:
            location === 'file:///backup'
              ? [summary('new'), summary('old', { finished: 1_000 })]
              : [summary('elsewhere', { finished: 500 })],
        }),
    },
  });
  await api.jobs.start('BACKUP', { name: 'elsewhere', location: 'file:///other' });
  const { body } = await api.call('POST', '/cluster/backups/prune?keepLast=1&dryRun=true');
  t.like(body, { keep: [{ name: 'new' }], delete: [{ name: 'old' }] });
  const other = await api.call('POST', '/cluster/backups/prune?keepLast=1&dryRun=true&location=file:///other');
  t.like(other.body, { delete: [] });
});
