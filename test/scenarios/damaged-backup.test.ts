import { cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type cassandra from 'cassandra-driver';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { clientOf, executor, newName, run, sharedRing } from './ring.ts';
import { contents, createSmall, drop, put } from './small-table.ts';

const test = anyTest as TestFn<{ ring: LocalRing; client: cassandra.Client; name: string; now: string[] }>;
const KEYSPACE = 'damaged';
const CLUSTER = 'cassandra';

test.before(async (t) => {
  const ring = sharedRing();
  const client = clientOf(ring);
  await drop(client, KEYSPACE);
  await createSmall(client, KEYSPACE);
  const name = newName('damaged');
  const backup = await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}`);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  await put(client, KEYSPACE, 1, 'written after the backup');
  t.context = { ring, client, name, now: await contents(client, KEYSPACE) };
});

test.after.always(async (t) => {
  await drop(t.context.client, KEYSPACE);
  await t.context.client.shutdown();
});

/** A copy of the whole location, so that every test damages its own. */
async function copyOfBackup(ring: LocalRing): Promise<string> {
  const copy = join(ring.options.data, newName('copy'));
  await cp(join(ring.options.data, 'backup'), copy, { recursive: true });
  return copy;
}

const nodeFolder = (location: string, name: string, node: number): string =>
  join(location, CLUSTER, executor(node), name);

/** Data.db of the table on any node, with the node's number. */
function dataFile(location: string, name: string): string {
  const [file] = globSync(join(location, CLUSTER, '*', name, KEYSPACE, 't', '*-Data.db'));
  if (file === undefined) throw new Error('the backup has no Data.db');
  return file;
}

const damages: [string, (location: string, name: string) => Promise<string>][] = [
  [
    'a file that is missing',
    async (location, name) => {
      const file = dataFile(location, name);
      await rm(file);
      return basename(file);
    },
  ],
  [
    'a truncated file',
    async (location, name) => {
      const file = dataFile(location, name);
      await truncate(file, (await stat(file)).size - 1);
      return basename(file);
    },
  ],
  [
    'a flipped byte',
    async (location, name) => {
      const file = dataFile(location, name);
      const bytes = await readFile(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(file, bytes);
      return basename(file);
    },
  ],
  [
    'a broken manifest',
    async (location, name) => {
      await writeFile(join(nodeFolder(location, name, 1), 'manifest.json'), '{"version": 1, "clus');
      return 'manifest.json';
    },
  ],
];

for (const [title, damage] of damages) {
  test(`a restore of a backup with ${title} is refused with the file's name and touches nothing`, async (t) => {
    const { ring, client, name, now } = t.context;
    const location = await copyOfBackup(ring);
    const damaged = await damage(location, name);
    const restore = await run(t, ring, 'restore', `name=${name}&location=file://${location}`);
    t.is(restore.result, 'FAILURE');
    t.true(
      restore.errors.some(({ code, message }) => code === 'BACKUP_DAMAGED' && message.includes(damaged)),
      JSON.stringify(restore.errors),
    );
    const truncated = restore.phases.find((phase) => phase.name === 'truncate')?.steps ?? [];
    t.true(
      truncated.every(({ state }) => state === 'SKIPPED' || state === 'PENDING'),
      'truncate did not begin',
    );
    t.deepEqual(await contents(client, KEYSPACE), now);
  });
}

test('a restore of an unknown backup is answered 404 and touches nothing', async (t) => {
  const { ring, client, now } = t.context;
  const { status, body } = await ring.post('/cluster/restore/start?name=never-was');
  t.is(status, 404);
  t.like(body, { started: false, error: { code: 'BACKUP_NOT_FOUND' } });
  t.deepEqual(await contents(client, KEYSPACE), now);
});

test("a restore of a backup without the cluster's record is answered 409 and touches nothing", async (t) => {
  const { ring, client, name, now } = t.context;
  const location = await copyOfBackup(ring);
  await rm(join(location, CLUSTER, 'backups', `${name}.json`));
  const { status, body } = await ring.post(`/cluster/restore/start?name=${name}&location=file://${location}`);
  t.is(status, 409);
  t.like(body, { started: false, error: { code: 'BACKUP_INCOMPLETE' } });
  t.deepEqual(await contents(client, KEYSPACE), now);
});
