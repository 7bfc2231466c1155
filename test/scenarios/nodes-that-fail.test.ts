import anyTest, { type TestFn } from 'ava';
import { atWork, cassandraPid, ended, executor, executorPid, newName, ownSnapshots, run, start } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'failing';
useSmall(test, KEYSPACE);

test('a node that is down makes a backup PARTIAL with its reason, and a restore is refused before truncate', async (t) => {
  const { ring, client } = t.context;
  const whole = newName('whole');
  t.is((await run(t, ring, 'backup', `name=${whole}&keyspaces=${KEYSPACE}`)).result, 'SUCCESS');
  await put(client, KEYSPACE, 2, 'after the backup');
  const now = await contents(client, KEYSPACE);

  t.is((await ring.post(`/node/${executor(2)}/stop`)).status, 200);
  await ring.until('node 2 is down', 60_000, async () => {
    const node = (await ring.nodes()).find(({ executorId }) => executorId === executor(2));
    return node?.healthCheckDetails === null;
  });
  const partial = newName('partial');
  const backup = await run(t, ring, 'backup', `name=${partial}&keyspaces=${KEYSPACE}`);
  t.is(backup.result, 'PARTIAL');
  t.true(backup.finished !== null && backup.finished >= backup.started, 'the last node failed and the job has its end');
  const down = backup.completedNodes.find(({ executorId }) => executorId === executor(2));
  t.true(down?.failure?.failed);
  t.regex(down?.failure?.message ?? '', /stop/i);
  t.true(backup.errors.some(({ executorId }) => executorId === executor(2)));

  const refusedPartial = await ring.post(`/cluster/restore/start?name=${partial}`);
  t.is(refusedPartial.status, 409, 'a partial backup cannot be restored');
  const restore = await run(t, ring, 'restore', `name=${whole}`);
  t.is(restore.result, 'FAILURE');
  t.true(
    restore.errors.some(({ executorId }) => executorId === executor(2)),
    JSON.stringify(restore.errors),
  );
  t.deepEqual(await contents(client, KEYSPACE), now);

  t.is((await ring.post(`/node/${executor(2)}/start`)).status, 200);
  await ring.ready(120_000);
  t.is((await run(t, ring, 'restore', `name=${whole}`)).result, 'SUCCESS');
  t.false((await contents(client, KEYSPACE)).includes('2=after the backup'));
});

test('a backup whose Cassandra is killed at work is SUCCESS after the node is back', async (t) => {
  const { ring } = t.context;
  const pid = cassandraPid(ring, 1);
  // A stopped process answers nothing: the step is at work for as long as the test wants.
  process.kill(pid, 'SIGSTOP');
  const id = await start(t, ring, 'backup', `name=${newName('killed')}&keyspaces=${KEYSPACE}`);
  await atWork(ring, id, 'backup', executor(1));
  process.kill(pid, 'SIGKILL');
  const backup = await ended(ring, 'backup', id);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  const step = backup.phases
    .find(({ name }) => name === 'backup')
    ?.steps.find(({ executorId }) => executorId === executor(1));
  t.true((step?.attempt ?? 0) > 1, 'the step was tried again');
  t.deepEqual(ownSnapshots(ring), []);
  await ring.ready(120_000);
});

test('a backup whose executor is killed at work is SUCCESS after it is back, and leaves no second Cassandra', async (t) => {
  const { ring } = t.context;
  const pid = cassandraPid(ring, 1);
  process.kill(pid, 'SIGSTOP');
  const id = await start(t, ring, 'backup', `name=${newName('executor')}&keyspaces=${KEYSPACE}`);
  await atWork(ring, id, 'backup', executor(1));
  process.kill(executorPid(ring, 1), 'SIGKILL');
  const backup = await ended(ring, 'backup', id);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the old Cassandra is gone');
  t.deepEqual(ownSnapshots(ring), []);
  await ring.ready(120_000);
});

for (const kind of ['backup', 'restore'] as const) {
  test(`a ${kind} goes on to SUCCESS when the scheduler is killed in the middle of it`, async (t) => {
    const { ring, client } = t.context;
    const name = newName('scheduler');
    if (kind === 'restore') {
      t.is((await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}`)).result, 'SUCCESS');
      await put(client, KEYSPACE, 3, 'after the backup');
    }
    const pid = cassandraPid(ring, 1);
    process.kill(pid, 'SIGSTOP');
    const id = await start(t, ring, kind, `name=${name}${kind === 'backup' ? `&keyspaces=${KEYSPACE}` : ''}`);
    await atWork(ring, id, kind === 'backup' ? 'backup' : 'check', executor(1));
    const before = ring.schedulerPid;
    process.kill(before, 'SIGKILL');
    await ring.until('another scheduler runs', 30_000, async () => {
      if (ring.schedulerPid === before) return false;
      return (await fetch(`${ring.url}/health/process`).catch(() => null))?.ok ?? false;
    });
    process.kill(pid, 'SIGCONT');
    const result = await ended(ring, kind, id);
    t.is(result.result, 'SUCCESS', JSON.stringify(result.errors));
    if (kind === 'restore') t.false((await contents(client, KEYSPACE)).includes('3=after the backup'));
    await ring.ready(120_000);
  });
}
