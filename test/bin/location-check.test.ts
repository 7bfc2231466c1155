import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { BackupLocations } from '../../src/bin/backup-locations.ts';
import { lookFromHere } from '../../src/bin/location-check.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { freePort } from '../helpers/free-port.ts';
import { temporaryDirectory } from '../storage/contract.ts';

const locations = new BackupLocations('dev', new AbortController().signal);

test('a directory that is there is reachable, and nothing is changed in it', async (t) => {
  const directory = await temporaryDirectory(t);
  await chmod(directory, 0o755);
  const location = `file://${directory}`;
  t.deepEqual(await locations.check(location), { location, reachable: true, writable: true });
});

test('what is not there, is no directory or in no place of this host is told with the reason, and not made', async (t) => {
  const work = await temporaryDirectory(t);
  const missing = await locations.check(`file://${join(work, 'missing')}`);
  t.like(missing, { reachable: false, writable: null, error: { code: 'STORAGE_FAILED' } });
  t.regex(missing.error?.hint ?? '', /Check that .* exists/);
  await writeFile(join(work, 'file'), '');
  t.like(await locations.check(join(work, 'file')), { reachable: false, error: { code: 'STORAGE_FAILED' } });
  await mkdir(join(work, 'folder'));
  t.true((await locations.check(join(work, 'folder'))).reachable);
  t.like(await locations.check('backup'), { location: 'backup', reachable: false, error: { code: 'NOT_FOUND' } });
});

test('a store that does not answer is told with what to change', async (t) => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const location = `s3://bucket/p?endpoint=${endpoint}&region=us-east-1&credentials=env:NOBODY_HAS_`;
  const { reachable, error } = await locations.check(location);
  t.false(reachable);
  t.regex(error?.message ?? '', /in the variables NOBODY_HAS_/);
  await t.throwsAsync(locations.check(`s3://bucket/p?endpoint=${endpoint}`), { code: 'BAD_REQUEST' });
});

function noBucket(): Promise<never> {
  const hint = 'Make the bucket, correct its name, or add createBucket=true to the location.';
  return Promise.reject(new OperatorError('STORAGE_FAILED', 'NoSuchBucket', { hint }));
}

async function hintAt(location: string): Promise<string> {
  const { error } = await lookFromHere(location, noBucket, new HandClock());
  return error?.hint ?? '';
}

test('of a bucket that a backup will make it is said that it will', async (t) => {
  t.regex(await hintAt('s3://bucket/p'), /add createBucket=true/);
  t.regex(await hintAt('s3://bucket/p?createBucket=false'), /add createBucket=true/);
  t.is(await hintAt('s3://bucket/p?region=a&createBucket=true'), 'The first backup makes it: createBucket=true.');
});

test('nobody waits for longer than ten seconds', async (t) => {
  const clock = new HandClock();
  const [answer] = await Promise.all([
    lookFromHere('file:///hangs', () => new Promise(() => undefined), clock),
    clock.pass(10_000),
  ]);
  t.like(answer, { reachable: false, error: { code: 'TIMEOUT' } });
  await lookFromHere('s3://answers/p', () => Promise.resolve(), clock);
  await clock.pass(0);
  t.is(clock.sleeping, 0);
});
