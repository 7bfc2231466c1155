import { join } from 'node:path';
import test from 'ava';
import { renameDirectly } from '../../src/bin/rename-directly.ts';
import { LocationLock } from '../../src/storage/location-lock.ts';
import { readBackup } from '../../src/storage/read-backups.ts';
import { backUp, EXECUTOR_ID, makeHost } from '../helpers/step-context.ts';

const TO = 'cassandra.dev.node.7.executor';

test('backups at a location are renamed without a scheduler, and what is not there is said', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  const location = join(host.root, 'backup');
  const renaming = { location, from: EXECUTOR_ID, to: TO, dryRun: true };
  t.like(await renameDirectly(renaming), { backups: ['monday'] });
  t.like(await renameDirectly({ ...renaming, dryRun: false }), { backups: ['monday'] });
  t.deepEqual((await readBackup(host.storage, 'dev', 'monday'))?.summary.nodes, [TO]);
  await t.throwsAsync(renameDirectly(renaming), { code: 'BACKUP_NOT_FOUND', message: /No cluster .* has backups of/ });
  await t.throwsAsync(renameDirectly({ ...renaming, from: TO, to: EXECUTOR_ID, name: 'never' }), {
    code: 'BACKUP_NOT_FOUND',
  });
  await t.throwsAsync(renameDirectly({ ...renaming, location: join(host.root, 'nowhere') }), {
    code: 'STORAGE_FAILED',
  });
});

test('where several clusters have such an executor it has to be said which', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  await backUp(host, { cluster: 'other' });
  const renaming = { location: join(host.root, 'backup'), from: EXECUTOR_ID, to: TO, dryRun: false };
  await t.throwsAsync(renameDirectly(renaming), { code: 'BAD_REQUEST', message: /--cluster.*dev, other/ });
  t.like(await renameDirectly({ ...renaming, cluster: 'other' }), { backups: ['monday'] });
  t.deepEqual((await readBackup(host.storage, 'dev', 'monday'))?.summary.nodes, [EXECUTOR_ID]);
});

test('while a job of a scheduler works at the location, nothing is renamed', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  const holder = { scheduler: 's', jobUuid: 'j', jobId: 7, jobType: 'BACKUP' as const, hostname: 'far', since: 0 };
  const lock = await LocationLock.take(host.storage, 'dev', holder);
  const renaming = { location: join(host.root, 'backup'), from: EXECUTOR_ID, to: TO, dryRun: false };
  await t.throwsAsync(renameDirectly(renaming), { code: 'LOCATION_LOCKED', message: /job 7 \(BACKUP\)/ });
  t.deepEqual((await readBackup(host.storage, 'dev', 'monday'))?.summary.nodes, [EXECUTOR_ID]);
  await lock.release();
  t.like(await renameDirectly(renaming), { backups: ['monday'] });
  t.like(await renameDirectly({ ...renaming, from: TO, to: EXECUTOR_ID }), { backups: ['monday'] });
});
