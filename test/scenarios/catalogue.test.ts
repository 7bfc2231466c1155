import { readFile, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'catalogued';
useSmall(test, KEYSPACE);

interface Backup {
  name: string;
  state: string;
  verified: { deep: boolean; result: string } | null;
  damaged: { executorId: string; path: string }[];
}

interface Verified extends JobJson {
  damaged: { executorId: string; path: string; problem: string }[];
}

async function backup(ring: LocalRing, name: string): Promise<Backup> {
  return (await ring.get(`/cluster/backups/${name}`)).body as Backup;
}

async function finished(t: ExecutionContext, ring: LocalRing, answer: { status: number; body: unknown }) {
  t.is(answer.status, 200, JSON.stringify(answer.body));
  const { job: id } = answer.body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return (await job(ring, id)) as Verified;
}

test('a flipped byte is found by a deep verification, and what is deleted takes nothing of the others along', async (t) => {
  const { ring, client } = t.context;
  const [first, second] = [newName('catalogue'), newName('catalogue')];
  const query = `&keyspaces=${KEYSPACE}&strategy=parallel`;
  const verifyDeep = async (name: string) =>
    finished(t, ring, await ring.post(`/cluster/backups/${name}/verify?deep=true`));

  const rows = await contents(client, KEYSPACE);
  t.is((await run(t, ring, 'backup', `name=${first}${query}`)).result, 'SUCCESS');
  // An increment would share the file that is going to be damaged.
  t.is((await run(t, ring, 'backup', `name=${second}${query}&mode=full`)).result, 'SUCCESS');
  t.like(await backup(ring, first), { state: 'COMPLETE', verified: null });

  const folder = join(ring.options.data, 'backup', 'cassandra', executor(1), first);
  const [damaged = ''] = globSync(join(folder, KEYSPACE, 't', '*-Data.db'));
  const bytes = await readFile(damaged);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(damaged, bytes);

  const found = await verifyDeep(first);
  t.is(found.result, 'FAILURE');
  t.deepEqual(
    found.damaged.map(({ executorId, path }) => ({ executorId, path })),
    [{ executorId: executor(1), path: relative(folder, damaged) }],
  );
  t.true(found.errors.some(({ code }) => code === 'BACKUP_DAMAGED'));
  t.like(await backup(ring, first), { state: 'DAMAGED', verified: { deep: true, result: 'FAILURE' } });
  const refused = await run(t, ring, 'restore', `name=${first}`);
  t.is(refused.result, 'FAILURE');
  t.regex(JSON.stringify(refused.errors), /catalogued\.t of .* are damaged, as the verification at/);

  const deletion = await finished(t, ring, await ring.request('DELETE', `/cluster/backups/${first}`));
  t.is(deletion.result, 'SUCCESS', JSON.stringify(deletion.errors));
  t.is((await ring.get(`/cluster/backups/${first}`)).status, 404);
  t.deepEqual(globSync(join(ring.options.data, 'backup', 'cassandra', '*', `${first}*`)), []);

  t.is((await verifyDeep(second)).result, 'SUCCESS');
  await put(client, KEYSPACE, 1, 'written after the backup');
  t.is((await run(t, ring, 'restore', `name=${second}`)).result, 'SUCCESS');
  t.deepEqual(await contents(client, KEYSPACE), rows);
});
