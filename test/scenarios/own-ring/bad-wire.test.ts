// A real ring whose wires to Mesos delay, slow down, drop, cut, double and garble what passes, from the ring's first start
// to its end. TEST_WIRE_SEED gives other faults.
import { readFileSync } from 'node:fs';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { createSchema, damage, differences, digest, writeRows } from '../../../scripts/lib/dataset.ts';
import type { LocalRing } from '../../../scripts/lib/local-ring.ts';
import { BadRing, type LogLine } from './bad-ring.ts';
import {
  atWork,
  cassandraPid,
  clientOf,
  ended,
  executor,
  hold,
  job,
  newName,
  ownSnapshots,
  run,
  start,
  type JobJson,
} from '../ring.ts';
import { createSmall } from '../small-table.ts';

const test = anyTest as TestFn<{ bad: BadRing }>;
const KEYSPACE = 'small';

test.before(async (t) => {
  const bad = await BadRing.start(Number(process.env['TEST_WIRE_SEED'] ?? 1));
  t.context = { bad };
  await bad.ring.ready(240_000);
});

const failed: string[] = [];

test.afterEach.always((t) => {
  if (!t.passed) failed.push(t.title);
});

// Only when all is well: else the logs are of use. Of serial tests ava looks at the last one alone before it comes here.
test.after(async (t) => {
  await t.context.bad.stop();
  if (failed.length === 0) await t.context.bad.delete();
  else t.log(`logs and data of the ring are in ${t.context.bad.scratch}`);
});

test.after.always(async (t) => {
  await t.context.bad?.stop();
});

/** Steps of one node that began before the one before had ended, or that began twice, in words. */
function overlaps(runs: LogLine[][]): string[] {
  const begun = new Set<string>();
  return runs.flatMap((lines, index) => {
    // An executor that was killed has taken its step along.
    let atWorkNow: string | null = null;
    const first = lines[0]?.time ?? 0;
    const found = (runs[index - 1]?.at(-1)?.time ?? 0) > first ? ['two executors of one node ran'] : [];
    for (const { msg, task: taskId = '' } of lines) {
      if (msg === 'step begins') {
        if (atWorkNow !== null) found.push(`${taskId} began while ${atWorkNow} was at work`);
        if (begun.has(taskId)) found.push(`${taskId} began twice`);
        begun.add(taskId);
        atWorkNow = taskId;
      }
      if (msg === 'step ended') atWorkNow = null;
    }
    return found;
  });
}

/** After any job: nothing ran twice, nothing of it is left, and nobody has to worry. */
async function checkAfterwards(t: ExecutionContext, bad: BadRing): Promise<void> {
  t.deepEqual(ownSnapshots(bad.ring), []);
  const logs = bad.executorLogs();
  t.deepEqual([...logs.keys()].sort(), [executor(0), executor(1)]);
  t.deepEqual([...logs.values()].flatMap(overlaps), []);
  t.deepEqual(
    bad.schedulerLog().filter(({ level }) => level >= 50),
    [],
  );
  await bad.ring.until('every update is acknowledged', 60_000, async () => bad.unacknowledged().length === 0);
}

async function rollingRestart(t: ExecutionContext, ring: LocalRing): Promise<JobJson> {
  const { status, body } = await ring.post('/cluster/rolling-restart/start');
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until('the nodes have been restarted', 240_000, async () => (await job(ring, id)).result !== null);
  return job(ring, id);
}

/** The executor: Cassandra is its child. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

test('on bad wires every row is as it was at backup time, although the scheduler is killed in the middle', async (t) => {
  const { bad } = t.context;
  const { ring } = bad;
  const client = clientOf(ring);
  t.teardown(() => client.shutdown());
  await createSchema(client, 2);
  await writeRows(client, 4);
  const before = await digest(client);
  const name = newName('wire');

  const struck = bad.struckByAll();
  const goOn = hold(ring, 0);
  const id = await start(t, ring, 'backup', `name=${name}`);
  await atWork(ring, id, 'backup', executor(0));
  await bad.killScheduler();
  await bad.startScheduler();
  goOn();
  const backup = await ended(ring, 'backup', id);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  await damage(client);
  const restore = await run(t, ring, 'restore', `name=${name}`);
  t.is(restore.result, 'SUCCESS', JSON.stringify(restore.errors));
  t.deepEqual(differences(before, await digest(client)), []);
  await struck;
  await checkAfterwards(t, bad);
});

test('on bad wires the nodes restart one after the other', async (t) => {
  const { bad } = t.context;
  const before = [0, 1].map((number) => cassandraPid(bad.ring, number));
  const restart = await rollingRestart(t, bad.ring);
  t.is(restart.result, 'SUCCESS', JSON.stringify(restart.errors));
  await bad.ring.ready(60_000);
  for (const number of [0, 1]) t.not(cassandraPid(bad.ring, number), before[number]);
  await checkAfterwards(t, bad);
});

test('on bad wires a job can be aborted, after the node at work and at once', async (t) => {
  const { bad } = t.context;
  const { ring } = bad;
  const client = clientOf(ring);
  t.teardown(() => client.shutdown());
  await createSmall(client, KEYSPACE, 10, 2);
  for (const how of ['', '?now=true']) {
    const goOn = hold(ring, 0);
    const id = await start(t, ring, 'backup', `name=${newName('aborted')}&keyspaces=${KEYSPACE}`);
    await atWork(ring, id, 'backup', executor(0));
    t.deepEqual((await ring.post(`/cluster/backup/abort${how}`)).body, { aborted: true });
    const before = bad.begun(id, 'backup');
    goOn();
    const backup = await ended(ring, 'backup', id);
    t.like(backup, { aborted: true, result: 'ABORTED' });
    t.deepEqual(bad.begun(id, 'backup'), before, 'no other step begins');
  }
  t.is((await run(t, ring, 'backup', `name=${newName('next')}&keyspaces=${KEYSPACE}`)).result, 'SUCCESS');
  await checkAfterwards(t, bad);
});

test('on bad wires a backup whose executor is killed at work is SUCCESS, and nothing is left when all is stopped', async (t) => {
  const { bad } = t.context;
  const { ring } = bad;
  const pid = cassandraPid(ring, 1);
  process.kill(pid, 'SIGSTOP');
  const id = await start(t, ring, 'backup', `name=${newName('executor')}&keyspaces=${KEYSPACE}`);
  await atWork(ring, id, 'backup', executor(1));
  process.kill(parentOf(pid), 'SIGKILL');
  const backup = await ended(ring, 'backup', id);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the old Cassandra is gone');
  await ring.ready(120_000);
  await checkAfterwards(t, bad);
  await bad.stop();
  t.deepEqual(bad.processes(), []);
});
