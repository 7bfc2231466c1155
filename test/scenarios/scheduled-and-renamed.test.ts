import { globSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'kept_in_order';
useSmall(test, KEYSPACE);

interface Schedule {
  currentRun: object | null;
  lastRun: { job: number; result: string } | null;
  overdue: boolean;
}

interface Renamed extends JobJson {
  renamed: { backups: string[]; files: number };
}

async function finished<T extends JobJson>(t: ExecutionContext, ring: LocalRing, path: string): Promise<T> {
  const { status, body } = await ring.post(path);
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return (await job(ring, id)) as T;
}

test.serial('a schedule makes backups by itself, and keeps as many as it was told to', async (t) => {
  const { ring } = t.context;
  // A location of its own: what it keeps must not depend on what others make.
  const location = `file://${join(ring.options.data, 'scheduled')}`;
  const path = '/cluster/schedules/by-the-second';
  const spec = {
    cron: '*/2 * * * * *',
    overlap: 'wait',
    location,
    keyspaces: KEYSPACE,
    strategy: 'parallel',
    keepLast: '1',
    maxAge: '1h',
  };
  const query = new URLSearchParams(spec).toString();
  t.is((await ring.request('PUT', `${path}?${query}`)).status, 200);
  const names = new Set<string>();
  const backups = async () => {
    const { body } = await ring.get(`/cluster/backups?location=${location}`);
    const all = (body as { backups: { name: string; state: string }[] }).backups;
    for (const { name, state } of all) if (state === 'COMPLETE') names.add(name);
    return all;
  };
  await ring.until('three backups were made', 60_000, async () => (await backups()).length > 0 && names.size >= 3);
  t.is((await ring.post(`${path}/pause`)).status, 200);
  await ring.until('the last has ended and the one before it is gone', 60_000, async () => {
    const { currentRun } = (await ring.get(path)).body as Schedule;
    return currentRun === null && (await backups()).length === 1;
  });
  t.like((await ring.get(path)).body, { paused: true, failures: 0, overdue: false, lastRun: { result: 'SUCCESS' } });
  t.like((await ring.get('/cluster/prune/last')).body, { prune: { result: 'SUCCESS' } });
  t.deepEqual((await ring.request('DELETE', path)).body, { deleted: true });
  await ring.until('nothing runs', 60_000, async () => {
    const { body } = await ring.get('/cluster/prune/status');
    return !(body as { running: boolean }).running;
  });
});

test.serial('backups of an executor with another id are whole, and restored to the node with its tokens', async (t) => {
  const { ring, client } = t.context;
  const other = executor(9);
  const [first, second] = [newName('renamed'), newName('renamed')];
  const rows = await contents(client, KEYSPACE);
  for (const name of [first, second]) {
    const { result, errors } = await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel`);
    t.is(result, 'SUCCESS', JSON.stringify(errors));
  }
  const rename = (from: string, to: string, more = '') =>
    finished<Renamed>(t, ring, `/cluster/backups/rename-executor?from=${from}&to=${to}&name=${first}${more}`);
  const folders = () => globSync(join(ring.options.data, 'backup', 'cassandra', '*', first)).length;
  const dry = await rename(executor(0), other, '&dryRun=true');
  t.deepEqual(dry.renamed.backups, [first]);
  t.is(folders(), 3);
  t.like(await rename(executor(0), other), {
    result: 'SUCCESS',
    renamed: { backups: [first], files: dry.renamed.files },
  });
  for (const name of [first, second]) {
    const verified = await finished(t, ring, `/cluster/backups/${name}/verify?deep=true`);
    t.is(verified.result, 'SUCCESS', JSON.stringify(verified.errors));
  }
  const { nodes } = (await ring.get(`/cluster/backups/${first}`)).body as { nodes: string[] };
  t.deepEqual(nodes.toSorted(), [executor(1), executor(2), other].toSorted());
  await put(client, KEYSPACE, 1, 'written after the backup');
  const restored = await run(t, ring, 'restore', `name=${first}&strategy=parallel`);
  t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
  t.deepEqual(await contents(client, KEYSPACE), rows);
  const again = await rename(executor(0), other);
  t.like(again, { result: 'FAILURE', errors: [{ code: 'BACKUP_NOT_FOUND' }] });
});
