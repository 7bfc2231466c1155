import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'encrypted';
/** In every row, in no file that was encrypted. */
const MARK = 'value ';
useSmall(test, KEYSPACE);

let directory = '';
test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'encrypted-ring-'));
});
test.after.always(() => rm(directory, { recursive: true, force: true }));

const keyLine = (id: string): string => `${id} ${randomBytes(32).toString('base64')}\n`;

async function finished(
  t: ExecutionContext,
  ring: LocalRing,
  method: 'POST' | 'DELETE',
  path: string,
): Promise<JobJson> {
  const { status, body } = await ring.request(method, path);
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return job(ring, id);
}

test('backups are compressed and encrypted, build on each other, outlive a rotation of keys and come back row by row', async (t) => {
  const { ring, client } = t.context;
  const keys = join(directory, 'keys');
  const place = `file://${join(directory, 'backup')}`;
  const location = encodeURIComponent(`${place}?compression=zstd&encryption=file:${keys}`);
  const backUp = async (name: string) =>
    (await run(
      t,
      ring,
      'backup',
      `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&location=${location}`,
    )) as JobJson & {
      bytesSent: number;
      bytesDone: number;
    };
  const oldKey = keyLine('2026-10');
  await writeFile(keys, oldKey, { mode: 0o600 });
  const [first, second, third] = [newName('encrypted'), newName('encrypted'), newName('encrypted')];
  const rows = await contents(client, KEYSPACE);
  const whole = await backUp(first);
  t.is(whole.result, 'SUCCESS', JSON.stringify(whole.errors));
  t.true(whole.bytesSent > 0);
  const increment = await backUp(second);
  t.is(increment.result, 'SUCCESS', JSON.stringify(increment.errors));
  t.is(increment.bytesSent, 0);
  t.true(increment.bytesDone > 0);
  const data = readdirSync(join(directory, 'backup'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('-Data.db'),
  );
  t.true(data.length > 0);
  t.deepEqual(
    data.filter((name) => readFileSync(join(directory, 'backup', name)).includes(MARK)),
    [],
  );

  await writeFile(keys, keyLine('2026-11') + oldKey);
  await put(client, KEYSPACE, 1000, `${MARK}of the new key`);
  const rotated = await backUp(third);
  t.is(rotated.result, 'SUCCESS', JSON.stringify(rotated.errors));
  t.true(rotated.bytesSent > 0);
  t.like((await ring.get(`/cluster/backups/${third}?location=${location}`)).body, {
    encrypted: true,
    keyIds: ['2026-10', '2026-11'],
    compression: ['zstd'],
  });
  const verified = await finished(t, ring, 'POST', `/cluster/backups/${third}/verify?deep=true&location=${location}`);
  t.is(verified.result, 'SUCCESS', JSON.stringify(verified.errors));

  const now = await contents(client, KEYSPACE);
  for (const [at, expected] of [
    [place, /the keys 2026-10, 2026-11, and the location names no keys/],
    [
      `${place}?encryption=file:${directory}/other`,
      /the keys 2026-10, 2026-11, looked for in the file .*other: there is only 2027-01/,
    ],
  ] as const) {
    await writeFile(join(directory, 'other'), keyLine('2027-01'), { mode: 0o600 });
    const refused = await run(t, ring, 'restore', `name=${third}&strategy=parallel&location=${encodeURIComponent(at)}`);
    t.is(refused.result, 'FAILURE');
    t.deepEqual(
      refused.errors.map(({ executorId, code, message }) => [executorId, code, expected.test(message)]),
      [0, 1, 2].map((number) => [executor(number), 'STORAGE_FAILED', true]),
      JSON.stringify(refused.errors),
    );
  }
  t.deepEqual(await contents(client, KEYSPACE), now, 'nothing was truncated');

  const restored = await run(t, ring, 'restore', `name=${first}&strategy=parallel&location=${location}`);
  t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
  t.deepEqual(await contents(client, KEYSPACE), rows);
  const deleted = await finished(t, ring, 'DELETE', `/cluster/backups/${first}?location=${location}`);
  t.is(deleted.result, 'SUCCESS', JSON.stringify(deleted.errors));
  const again = await run(t, ring, 'restore', `name=${third}&strategy=parallel&location=${location}`);
  t.is(again.result, 'SUCCESS', JSON.stringify(again.errors));
  t.deepEqual(await contents(client, KEYSPACE), now);
});
