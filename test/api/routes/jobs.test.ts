import test from 'ava';
import { aNode, NOW, startApi } from '../helpers.ts';
import { ended, keyspace, withStep } from '../job-fixtures.ts';

const ID = 'cassandra.dev.node.0.executor';
const BAD_NAMES = [
  '',
  '.',
  '..',
  '../../evil',
  'a/b',
  'a\\b',
  '.hidden',
  'a b',
  'a\nb',
  'a\0b',
  'grün',
  'a'.repeat(129),
];

test('A backup starts under its name, and its job is shown by status', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/backup/start?name=backup-0');
  t.is(status, 200);
  t.deepEqual(body, { started: true, name: 'backup-0', job: 1 });
  const running = await api.call('GET', '/cluster/backup/status');
  t.true(running.body.running);
  t.like(running.body.backup, {
    id: body.job,
    type: 'BACKUP',
    backupName: 'backup-0',
    started: NOW,
    finished: null,
    result: null,
    aborted: false,
  });
  t.deepEqual((await api.call('GET', `/cluster/jobs/${body.job}`)).body, running.body.backup);
  t.true(api.seen.wakes > 0);
});

test('A backup without a name gets one that can be read back', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('POST', '/cluster/backup/start');
  t.is(body.name, `backup-${NOW}`);
  t.is(api.jobs.get(body.job)?.backupName, body.name);
});

test('When nothing runs and nothing ran, status and last say so', async (t) => {
  const api = await startApi(t);
  t.deepEqual((await api.call('GET', '/cluster/backup/status')).body, { running: false, backup: null });
  t.deepEqual((await api.call('GET', '/cluster/backup/last')).body, { present: false, backup: null });
  t.deepEqual((await api.call('GET', '/cluster/restore/status')).body, { running: false, restore: null });
  t.deepEqual((await api.call('GET', '/cluster/restore/last')).body, { present: false, restore: null });
  t.deepEqual((await api.call('GET', '/cluster/jobs')).body, { jobs: [] });
});

test('A restore starts with the name of a backup', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/restore/start', { json: { name: 'backup-0' } });
  t.is(status, 200);
  t.is((await api.call('GET', '/cluster/backup/status')).body.running, false);
  const running = await api.call('GET', '/cluster/restore/status');
  t.is(running.body.running, true);
  t.like(running.body.restore, { id: body.job, type: 'RESTORE', backupName: 'backup-0' });
});

test('A restore without a name is refused', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/restore/start');
  t.is(status, 400);
  t.like(body, { started: false, error: { code: 'NAME_REQUIRED' } });
});

test('A backup that is not there, or not whole, is refused before anything is touched', async (t) => {
  for (const [found, status, code] of [
    ['ABSENT', 404, 'BACKUP_NOT_FOUND'],
    ['INCOMPLETE', 409, 'BACKUP_INCOMPLETE'],
    ['DAMAGED', 409, 'BACKUP_DAMAGED'],
  ] as const) {
    const api = await startApi(t, { found });
    const answer = await api.call('POST', '/cluster/restore/start?name=backup-0');
    t.is(answer.status, status);
    t.like(answer.body, { started: false, error: { code } });
    t.is(api.jobs.list().length, 0);
  }
});

test('While a job runs another one is refused with the one that runs', async (t) => {
  const api = await startApi(t);
  const first = await api.call('POST', '/cluster/backup/start?name=backup-0');
  for (const path of ['/cluster/backup/start?name=b', '/cluster/restore/start?name=backup-0']) {
    const { status, body } = await api.call('POST', path);
    t.is(status, 409);
    t.like(body, { started: false, error: { code: 'JOB_RUNNING' }, job: first.body.job });
    t.regex(body.error.message, /BACKUP backup-0/);
  }
  t.is((await api.call('GET', '/cluster/jobs')).body.jobs.length, 1);
});

test('A name that could leave its folder is refused, and nothing is created', async (t) => {
  const api = await startApi(t);
  for (const name of BAD_NAMES) {
    for (const kind of ['backup', 'restore']) {
      const path = `/cluster/${kind}/start`;
      for (const answer of [
        await api.call('POST', `${path}?name=${encodeURIComponent(name)}`),
        await api.call('POST', path, { json: { name } }),
      ]) {
        t.is(answer.status, 400, JSON.stringify(name));
        t.like(answer.body, { started: false, error: { code: 'NAME_INVALID' } });
      }
    }
  }
  t.is(api.jobs.list().length, 0);
  t.is(api.seen.wakes, 0);
});

test('A name is used once, and the second backup of that name is refused', async (t) => {
  const api = await startApi(t, { found: 'COMPLETE' });
  const { status, body } = await api.call('POST', '/cluster/backup/start?name=backup-0');
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'NAME_TAKEN' } });
});

test('Parameters reach the job, from the query and from the body alike', async (t) => {
  const expected = {
    keyspaces: ['ks1', 'ks2'],
    tables: null,
    nodes: ['cassandra.dev.node.1.executor'],
    strategy: 'parallel',
    concurrency: 2,
    snapshot: 'together',
    mode: 'full',
    rehash: true,
  };
  const query =
    'keyspaces=ks1,ks2&nodes=slave1&strategy=parallel&concurrency=2&snapshot=together&mode=full&rehash=true';
  const json = {
    keyspaces: ['ks1', 'ks2'],
    nodes: ['127.0.0.2'],
    strategy: 'parallel',
    concurrency: 2,
    snapshot: 'together',
    mode: 'full',
    rehash: true,
  };
  for (const [path, options] of [
    [`/cluster/backup/start?location=file:///other&${query}`, {}],
    ['/cluster/backup/start', { json: { location: 'file:///other', ...json } }],
  ] as const) {
    const api = await startApi(t);
    const { status, body } = await api.call('POST', path, options);
    t.is(status, 200);
    const job = api.jobs.get(body.job);
    t.is(job?.location, 'file:///other');
    t.deepEqual(job?.parameters, expected as never);
  }
});

test('Nodes that are not there, or not one, are refused', async (t) => {
  const api = await startApi(t, { nodes: [aNode(0), aNode(1, { hostname: 'slave0' })] });
  const unknown = await api.call('POST', '/cluster/backup/start?nodes=slave9');
  t.is(unknown.status, 404);
  t.like(unknown.body, { started: false, error: { code: 'NODE_NOT_FOUND' } });
  const ambiguous = await api.call('POST', '/cluster/backup/start?nodes=slave0');
  t.is(ambiguous.status, 409);
  t.is(ambiguous.body.candidates.length, 2);
  t.is(api.jobs.list().length, 0);
});

test('A job shows its nodes, keyspaces and errors while it runs and after it ended', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('POST', '/cluster/backup/start?name=backup-0');
  const id = body.job;
  const error = {
    executorId: ID,
    keyspace: 'ks1',
    table: 'users',
    code: 'SSTABLE_CORRUPT',
    message: 'nb-1 is damaged',
  };
  api.jobs.update(id, (job) =>
    withStep(withStep(job, 0, { state: 'FAILED', finished: NOW + 10, error }), 1, {
      state: 'RUNNING',
      report: {
        keyspaces: { ks1: keyspace({ status: 'FAILURE', error: 'nb-2 is damaged' }) },
        remainingKeyspaces: ['ks2'],
        bytesTotal: 4096,
        bytesDone: 1024,
        current: 'ks2/users/nb-7-big-Data.db',
      },
    }),
  );
  const running = (await api.call('GET', '/cluster/backup/status')).body.backup;
  t.like(running.currentNode, { executorId: 'cassandra.dev.node.1.executor', remainingKeyspaces: ['ks2'] });
  t.like(running.completedNodes[0], { executorId: ID, failure: { failed: true, message: 'nb-1 is damaged' } });
  t.deepEqual(running.remainingNodes, ['cassandra.dev.node.2.executor']);
  api.jobs.update(id, (job) => ended(job, 'PARTIAL'));
  const { body: last } = await api.call('GET', '/cluster/backup/last');
  t.true(last.present);
  t.like(last.backup, { id, result: 'PARTIAL', finished: NOW + 2000, currentNode: null });
  t.true((last.backup.errors as { code: string }[]).some(({ code }) => code === 'SSTABLE_CORRUPT'));
  t.deepEqual((await api.call('GET', '/cluster/jobs')).body, { jobs: [last.backup] });
  t.deepEqual((await api.call('GET', '/cluster/backup/status')).body, { running: false, backup: null });
});

test('The history is newest first, as many as asked for', async (t) => {
  const api = await startApi(t);
  for (const name of ['a', 'b', 'c']) {
    const { id } = await api.jobs.start('BACKUP', { name });
    api.jobs.update(id, (job) => ended(job, 'SUCCESS'));
  }
  const names = async (query: string) =>
    ((await api.call('GET', `/cluster/jobs${query}`)).body.jobs as { backupName: string }[]).map(
      (job) => job.backupName,
    );
  t.deepEqual(await names(''), ['c', 'b', 'a']);
  t.deepEqual(await names('?limit=2'), ['c', 'b']);
});

test('Abort says whether there was something to abort', async (t) => {
  const api = await startApi(t);
  t.deepEqual((await api.call('POST', '/cluster/backup/abort')).body, { aborted: false });
  const { body } = await api.call('POST', '/cluster/backup/start');
  t.deepEqual((await api.call('POST', '/cluster/restore/abort')).body, { aborted: false });
  const before = api.seen.wakes;
  t.deepEqual((await api.call('POST', '/cluster/backup/abort')).body, { aborted: true });
  t.true(api.seen.wakes > before);
  t.like(api.jobs.get(body.job), { aborted: true, abortNow: false });
});

test('Abort with now=true kills the step as well', async (t) => {
  for (const [path, options] of [
    ['/cluster/backup/abort?now=true', {}],
    ['/cluster/backup/abort', { json: { now: true } }],
  ] as const) {
    const api = await startApi(t);
    const { body } = await api.call('POST', '/cluster/backup/start');
    t.deepEqual((await api.call('POST', path, options)).body, { aborted: true });
    t.like(api.jobs.get(body.job), { aborted: true, abortNow: true });
  }
});

test('Abort with a wrong parameter aborts nothing', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('POST', '/cluster/backup/start');
  for (const query of ['now=yes', 'now=', 'force=true', 'now=true&now=true']) {
    const answer = await api.call('POST', `/cluster/backup/abort?${query}`);
    t.is(answer.status, 400, query);
    t.like(answer.body, { aborted: false, error: { code: 'BAD_REQUEST' } });
  }
  t.false(api.jobs.get(body.job)?.aborted);
});

test('A job number that is none is 404', async (t) => {
  const api = await startApi(t);
  for (const id of ['1', '0', '-1', 'last', '1.5', '99999999999999999999', '%2e%2e']) {
    const answer = await api.call('GET', `/cluster/jobs/${id}`);
    t.is(answer.status, 404, id);
    t.is(answer.body.error.code, 'NOT_FOUND');
  }
});
