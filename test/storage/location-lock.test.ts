import { execFile } from 'node:child_process';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { OperatorError } from '../../src/errors.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import { parseDocumentName } from '../../src/storage/layout.ts';
import { LocationLock, type LockHolder } from '../../src/storage/location-lock.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { rejectsWith, temporaryDirectory } from './contract.ts';
import { listed } from './listed.ts';

const run = promisify(execFile);
const pool = createCopyPool(1);
test.after.always(() => pool.close());

const LOCKS = join('dev', 'backups', 'lock');
const HOUR_S = 60 * 60;

const holder = (scheduler: string, jobUuid = `job of ${scheduler}`, since = 1_700_000_000_000): LockHolder => ({
  scheduler,
  jobUuid,
  jobId: 7,
  jobType: 'BACKUP',
  hostname: 'slave0',
  since,
});

async function opened(t: ExecutionContext): Promise<{ storage: Storage; root: string }> {
  const root = await temporaryDirectory(t);
  return { storage: await openFileStorage(root, pool, true), root };
}

/** Makes the lock as old as that by the clock of the file system. */
async function age(root: string, seconds: number): Promise<void> {
  const locks = (await readdir(join(root, LOCKS))).filter((name) => name.endsWith('.json'));
  const then = Date.now() / 1000 - seconds;
  for (const name of locks) await utimes(join(root, LOCKS, name), then, then);
}

test('another scheduler is told whose the location is, since when, and what to do', async (t) => {
  const { storage } = await opened(t);
  await LocationLock.take(storage, 'dev', holder('one'));
  const error = await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('two')));
  for (const part of ['job 7 (BACKUP)', 'one', 'slave0', '2023-11-14T22:13:20.000Z', 'dev/backups/lock/1.json']) {
    t.true(error.message.includes(part), `${part} in ${error.message}`);
  }
  await t.notThrowsAsync(LocationLock.take(storage, 'other', holder('two')));
});

test('its documents are taken for no backup', async (t) => {
  const { storage, root } = await opened(t);
  await LocationLock.take(storage, 'dev', holder('one'));
  await age(root, HOUR_S + 60);
  await LocationLock.take(storage, 'dev', holder('two'));
  const entries = await listed(storage, 'dev/backups/');
  t.deepEqual(
    entries.map(({ key }) => parseDocumentName(key.slice('dev/backups/'.length))),
    entries.map(() => null),
  );
});

test('the steps of one job share it, and know what is finished', async (t) => {
  const { storage } = await opened(t);
  const first = await LocationLock.take(storage, 'dev', holder('one'));
  const second = await LocationLock.take(storage, 'dev', holder('one'));
  await first.finish('sweep', 'node 0');
  await first.renew();
  t.is(await second.finishedBy('sweep'), 'node 0');
  t.is(await second.finishedBy('prune'), null);
});

test("the same scheduler's next job has it at once, knows nothing of what the one before has finished, and that one has lost it", async (t) => {
  const { storage } = await opened(t);
  const before = await LocationLock.take(storage, 'dev', holder('one', 'monday'));
  await before.finish('sweep', 'node 0');
  const lock = await LocationLock.take(storage, 'dev', holder('one', 'tuesday'));
  t.is(await lock.finishedBy('sweep'), null);
  await rejectsWith(t, 'LOCATION_LOCKED', before.renew());
  await before.release();
  await t.notThrowsAsync(lock.renew());
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('two')));
});

test('what was released is free for all, and known to the job that had it until another comes', async (t) => {
  const { storage } = await opened(t);
  const lock = await LocationLock.take(storage, 'dev', holder('one'));
  await lock.finish('prune', 'node 0');
  await lock.release();
  const again = await LocationLock.take(storage, 'dev', holder('one'));
  t.is(await again.finishedBy('prune'), 'node 0');
  await again.release();
  const other = await LocationLock.take(storage, 'dev', holder('two'));
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('one')));
  await other.release();
  t.is(await (await LocationLock.take(storage, 'dev', holder('one'))).finishedBy('prune'), null);
});

test('one without a sign of life for an hour by the clock of the store is taken over, a younger one is not', async (t) => {
  const { storage, root } = await opened(t);
  const lost = await LocationLock.take(storage, 'dev', holder('one'));
  await age(root, HOUR_S - 60);
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('two')));
  await age(root, HOUR_S + 60);
  await lost.renew();
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('two')));
  await age(root, HOUR_S + 60);
  await t.notThrowsAsync(LocationLock.take(storage, 'dev', holder('two')));
  const error = await rejectsWith(t, 'LOCATION_LOCKED', lost.renew());
  t.regex(error.message, /another scheduler, two/);
});

test('what the clocks of hosts say counts for nothing, wherever they were set to', async (t) => {
  const { storage, root } = await opened(t);
  await LocationLock.take(storage, 'dev', holder('one', 'job', 0));
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('two')));
  await age(root, HOUR_S + 60);
  const inTheFuture = holder('two', 'job', Date.now() + 1000 * 24 * HOUR_S);
  await t.notThrowsAsync(LocationLock.take(storage, 'dev', inTheFuture));
  // A store whose clock was set back finds it renewed in the future.
  await age(root, -24 * HOUR_S);
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('three')));
});

test('of those who race for it one has it, whether it is free, released or stale', async (t) => {
  const { storage, root } = await opened(t);
  const race = async (round: string): Promise<LocationLock> => {
    const names = Array.from({ length: 12 }, (_, index) => `${round} ${index}`);
    const takes = names.map(async (name) =>
      LocationLock.take(await openFileStorage(root, pool, false), 'dev', holder(name)),
    );
    const results = await Promise.allSettled(takes);
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    t.is(won.length, 1, round);
    for (const result of results) {
      if (result.status === 'rejected') t.is((result.reason as OperatorError).code, 'LOCATION_LOCKED');
    }
    return won[0]!;
  };
  await (await race('free')).release();
  await race('released');
  await age(root, HOUR_S + 60);
  await race('stale');
  t.is((await listed(storage, 'dev/backups/lock/')).filter(({ key }) => key.endsWith('.json')).length, 1);
});

for (const [how, prepare] of [
  ['released', async (lock: LocationLock) => lock.release()],
  ['stale', async (_lock: LocationLock, root: string) => age(root, HOUR_S + 60)],
] as const) {
  test(`a ${how} lock whose holder comes back while another takes it over stays with one of them`, async (t) => {
    const { storage, root } = await opened(t);
    const lock = await LocationLock.take(storage, 'dev', holder('one'));
    await prepare(lock, root);
    // What another storage does between its look and its act.
    const late = {
      url: storage.url,
      putDocument: async (key: string, content: string) => storage.putDocument(key, content),
      getDocument: async (key: string) => storage.getDocument(key),
      delete: async (key: string) => storage.delete(key),
      list: (prefix: string) => storage.list(prefix),
      createDocument: async (key: string, content: string) => {
        if (how === 'stale') await lock.renew();
        else await LocationLock.take(storage, 'dev', holder('one'));
        return storage.createDocument(key, content);
      },
    };
    await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(late, 'dev', holder('two')));
    await t.notThrowsAsync(lock.renew());
  });
}

test('of processes that race for a stale one, one has it', async (t) => {
  const { storage, root } = await opened(t);
  await LocationLock.take(storage, 'dev', holder('gone'));
  await age(root, HOUR_S + 60);
  const modules = ['copy-pool', 'file-storage', 'location-lock'].map(
    (name) => new URL(`../../src/storage/${name}.ts`, import.meta.url).href,
  );
  const script = `
    const [{ createCopyPool }, { openFileStorage }, { LocationLock }] = await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)));
    const storage = await openFileStorage(${JSON.stringify(root)}, createCopyPool(1), false);
    const holder = { ...${JSON.stringify(holder('x'))}, scheduler: process.argv[1], jobUuid: process.argv[1] };
    await LocationLock.take(storage, 'dev', holder).then(() => console.log('won'), ({ code }) => console.log(code));`;
  const told = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => run(process.execPath, ['--input-type=module', '-e', script, name])),
  );
  t.deepEqual(told.map(({ stdout }) => stdout.trim()).toSorted(), [...Array<string>(3).fill('LOCATION_LOCKED'), 'won']);
});

test('an operator may delete it by hand: then it is free, and who had it stops', async (t) => {
  const { storage, root } = await opened(t);
  const deleted = await LocationLock.take(storage, 'dev', holder('one'));
  await rm(join(root, LOCKS, '1.json'));
  await rejectsWith(t, 'LOCATION_LOCKED', deleted.renew());
  await LocationLock.take(storage, 'dev', holder('two'));
  await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('one')));
});

test('one that cannot be read is somebody’s until it is an hour old', async (t) => {
  const { storage, root } = await opened(t);
  await LocationLock.take(storage, 'dev', holder('one'));
  await writeFile(join(root, LOCKS, '1.json'), '{"version":1,');
  const error = await rejectsWith(t, 'LOCATION_LOCKED', LocationLock.take(storage, 'dev', holder('one')));
  t.regex(error.message, /a lock that cannot be read/);
  await age(root, HOUR_S + 60);
  await t.notThrowsAsync(LocationLock.take(storage, 'dev', holder('two')));
});
