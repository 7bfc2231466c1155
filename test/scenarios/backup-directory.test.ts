import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import cassandra from 'cassandra-driver';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { atWork, ended, executor, hold, newName, ownSnapshots, run, start } from './ring.ts';
import { useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'places';
useSmall(test, KEYSPACE);

test.before(async (t) => {
  // Does not compress: 2 MB on each node.
  const rows = Array.from({ length: 60 }, (_, id) => [1000 + id, randomBytes(40_000).toString('latin1')]);
  const insert = `INSERT INTO ${KEYSPACE}.t (id, value) VALUES (?, ?)`;
  await cassandra.concurrent.executeConcurrent(t.context.client, insert, rows);
});

async function nextBackupWorks(ring: LocalRing): Promise<string | null> {
  const name = newName('next');
  const { body } = await ring.post(`/cluster/backup/start?name=${name}&keyspaces=${KEYSPACE}`);
  return (await ended(ring, 'backup', (body as { job: number }).job)).result;
}

test('a full backup directory fails the backup with the cause, and leaves no snapshot', async (t) => {
  const { ring } = t.context;
  const place = join(ring.options.data, newName('full'));
  await mkdir(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', place]);
  t.teardown(() => void execFileSync('umount', ['-l', place]));
  const backup = await run(t, ring, 'backup', `name=${newName('full')}&keyspaces=${KEYSPACE}&location=file://${place}`);
  t.is(backup.result, 'FAILURE');
  t.true(
    backup.errors.some(({ code }) => code === 'NO_SPACE'),
    JSON.stringify(backup.errors),
  );
  t.deepEqual(ownSnapshots(ring), []);
  t.is(await nextBackupWorks(ring), 'SUCCESS');
});

test('an unwritable backup directory fails the backup with the cause', async (t) => {
  const { ring } = t.context;
  const place = join(ring.options.data, newName('read-only'));
  await mkdir(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', place]);
  t.teardown(() => void execFileSync('umount', ['-l', place]));
  const backup = await run(t, ring, 'backup', `name=${newName('ro')}&keyspaces=${KEYSPACE}&location=file://${place}`);
  t.is(backup.result, 'FAILURE');
  t.true(
    backup.errors.some(({ code }) => code === 'STORAGE_FAILED'),
    JSON.stringify(backup.errors),
  );
  t.deepEqual(ownSnapshots(ring), []);
});

test('a backup directory that is a file is refused at once with the cause', async (t) => {
  const { ring } = t.context;
  const place = join(ring.options.data, newName('file'));
  await writeFile(place, 'not a directory');
  const { body } = await ring.post(`/cluster/backup/start?name=${newName('file')}&location=file://${place}`);
  t.like(body, { started: false, error: { code: 'STORAGE_FAILED' } });
  t.is(await nextBackupWorks(ring), 'SUCCESS');
});

test('a backup directory that is removed in the middle never becomes a SUCCESS', async (t) => {
  const { ring } = t.context;
  const place = join(ring.options.data, newName('removed'));
  await mkdir(place);
  const goOn = hold(ring, 1);
  const id = await start(t, ring, 'backup', `name=${newName('gone')}&keyspaces=${KEYSPACE}&location=file://${place}`);
  await atWork(ring, id, 'backup', executor(1));
  await rm(place, { recursive: true });
  goOn();
  const backup = await ended(ring, 'backup', id);
  t.not(backup.result, 'SUCCESS');
  t.true(backup.errors.length > 0, 'the cause is told');
  t.deepEqual(ownSnapshots(ring), []);
});
