import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { atWork, ended, executor, hold, newName, ownSnapshots, run, start } from './ring.ts';
import { useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'aborting';
useSmall(test, KEYSPACE);

test('of two starts at the same time exactly one runs, the other gets 409 with the running job', async (t) => {
  const { ring } = t.context;
  const paths = [newName('first'), newName('second')].map((name) => `/cluster/backup/start?name=${name}`);
  const answers = await Promise.all(paths.map((path) => ring.post(`${path}&keyspaces=${KEYSPACE}`)));
  t.is(answers.filter(({ status }) => status === 200).length, 1);
  const started = answers.find(({ status }) => status === 200)?.body as { job: number };
  const refused = answers.find(({ status }) => status === 409)?.body;
  t.like(refused, { started: false, error: { code: 'JOB_RUNNING' }, job: started.job });
  t.is((await ended(ring, 'backup', started.job)).result, 'SUCCESS');
});

test('a name is used once', async (t) => {
  const { ring } = t.context;
  const name = newName('once');
  t.is((await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}`)).result, 'SUCCESS');
  const { status, body } = await ring.post(`/cluster/backup/start?name=${name}`);
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'NAME_TAKEN' } });
});

test('names that could leave their folder are answered 400 and create nothing', async (t) => {
  const { ring } = t.context;
  const folder = join(ring.options.data, 'backup');
  const before = await readdir(folder, { recursive: true });
  const names = ['..', '.hidden', 'a/b', '', 'x'.repeat(129), '%2e%2e%2f', 'a\nb', 'ä', 'a b'];
  for (const name of names) {
    const { status, body } = await ring.post(`/cluster/backup/start?name=${encodeURIComponent(name)}`);
    t.is(status, 400, JSON.stringify(name));
    t.like(body, { started: false, error: { code: 'NAME_INVALID' } });
  }
  t.deepEqual(await readdir(folder, { recursive: true }), before);
});

test('abort lets the node at work finish and begins no other', async (t) => {
  const { ring } = t.context;
  const goOn = hold(ring, 0);
  const id = await start(t, ring, 'backup', `name=${newName('aborted')}&keyspaces=${KEYSPACE}`);
  await atWork(ring, id, 'backup', executor(0));
  t.deepEqual((await ring.post('/cluster/backup/abort')).body, { aborted: true });
  goOn();
  const backup = await ended(ring, 'backup', id);
  t.true(backup.aborted);
  t.is(backup.result, 'ABORTED');
  t.deepEqual(
    backup.completedNodes.map(({ executorId }) => executorId),
    [executor(0)],
  );
  t.is(backup.completedNodes[0]?.processedKeyspaces[KEYSPACE]?.status, 'SUCCESS');
  t.deepEqual(backup.remainingNodes, [executor(1), executor(2)]);
  t.deepEqual(ownSnapshots(ring), []);
});

test('abort with now=true stops the node at work, and the next backup works', async (t) => {
  const { ring } = t.context;
  const goOn = hold(ring, 0);
  const id = await start(t, ring, 'backup', `name=${newName('now')}&keyspaces=${KEYSPACE}`);
  await atWork(ring, id, 'backup', executor(0));
  t.deepEqual((await ring.post('/cluster/backup/abort?now=true')).body, { aborted: true });
  await ring.until('the step was told to stop', 60_000, async () => {
    const { body } = await ring.get('/cluster/backup/status');
    return JSON.stringify(body).includes('"aborted":true');
  });
  goOn();
  const backup = await ended(ring, 'backup', id, 60_000);
  t.like(backup, { aborted: true, result: 'ABORTED' });
  t.is((await run(t, ring, 'backup', `name=${newName('next')}&keyspaces=${KEYSPACE}`)).result, 'SUCCESS');
  t.deepEqual(ownSnapshots(ring), []);
});

test('abort of nothing is answered false', async (t) => {
  t.deepEqual((await t.context.ring.post('/cluster/restore/abort')).body, { aborted: false });
});
