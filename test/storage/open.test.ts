import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { checkLocation, locationDirectory, openStorage } from '../../src/storage/open.ts';
import { rejectsWith, temporaryDirectory } from './contract.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

test('directories are named by URL, by path, or relative to the sandbox', (t) => {
  t.is(locationDirectory('file:///backup/a', '/sandbox'), '/backup/a');
  t.is(locationDirectory('file:///backup/%C3%BC%20x/', '/sandbox'), '/backup/ü x');
  t.is(locationDirectory('FILE:///backup', '/sandbox'), '/backup');
  t.is(locationDirectory('file://localhost/backup', '/sandbox'), '/backup');
  t.is(locationDirectory('/backup//a/', '/sandbox'), '/backup/a');
  t.is(locationDirectory('backup', '/sandbox'), '/sandbox/backup');
  t.is(locationDirectory('deep/er/', '/sandbox'), '/sandbox/deep/er');
});

test('other kinds of location are refused with what is supported, and without their secrets', async (t) => {
  const deps = { pool, baseDirectory: '/sandbox', create: true };
  for (const url of ['http://hidden/x', 'ftp://user:hidden@host', 'swift:hidden']) {
    const error = await rejectsWith(t, 'BAD_REQUEST', openStorage(url, deps));
    t.regex(error.message, /file:\/\/\/directory.*got (http|ftp|swift):\/\/$/);
  }
  for (const url of [
    's3://key:hidden@bucket/p',
    's3://bucket/p?secretKey=hidden',
    's3://bucket/p?endpoint=http://a:hidden@b&region=r',
  ]) {
    const error = await rejectsWith(t, 'BAD_REQUEST', openStorage(url, deps));
    t.notRegex(error.message, /hidden/);
    t.regex(error.message, /^Expected for s3:\/\//);
  }
  for (const url of [
    '',
    'a\0b',
    '../backup',
    'a/../../b',
    '.',
    'file://host/backup',
    'file:///a%2Fb',
    'file:///a%00b',
  ]) {
    await rejectsWith(t, 'BAD_REQUEST', openStorage(url, deps));
  }
});

test('what no node could open is refused by its text alone, and what one might is not', (t) => {
  const wrong: [string, RegExp][] = [
    ['s3://bucket/p?endpoint=http://127.0.0.1:9000', /a region with an endpoint/],
    ['s3://bucket/p?colour=blue', /colour/],
    ['s3://No_Bucket/p', /a bucket of 3 to 63/],
    ['azure://container/p?colour=blue', /colour/],
    ['azure://No_Container/p', /a container of 3 to 63/],
    ['gs://bucket/p?colour=blue', /colour/],
    ['file:///backup?compression=fast', /compression/],
    ['file:///backup?region=us-east-1', /region/],
    ['ftp://host/backup', /got ftp:/],
    ['file://host/backup', /host/],
    ['../backup', /\.\./],
  ];
  for (const [location, message] of wrong) {
    t.throws(() => checkLocation(location), { code: 'BAD_REQUEST', message }, location);
  }
  for (const location of [
    's3://bucket',
    'azure://container/p?account=mine',
    'gs://bucket/p',
    'file:///not/there?compression=zstd',
    '/not/there',
    'backup',
  ]) {
    t.notThrows(() => checkLocation(location), location);
  }
});

test('the library of each kind of store is read when one is opened', async (t) => {
  for (const url of [
    's3://bucket/p?region=r&endpoint=http://127.0.0.1:1&credentials=env:NONE_',
    'azure://container/p?endpoint=http://127.0.0.1:1/account&credentials=env:NONE_',
    'gs://bucket/p?endpoint=http://127.0.0.1:1&credentials=env:NONE_',
  ]) {
    const opening = openStorage(url, { pool, baseDirectory: '/sandbox', create: false, patient: false });
    const error = await rejectsWith(t, 'STORAGE_FAILED', opening);
    t.regex(error.message, /NONE_/, url);
  }
});

test('a missing directory is made for a backup and an error for a restore', async (t) => {
  const work = await temporaryDirectory(t);
  const deps = { pool, baseDirectory: work };
  await rejectsWith(t, 'STORAGE_FAILED', openStorage('backup', { ...deps, create: false }));
  const storage = await openStorage('backup', { ...deps, create: true });
  t.true((await stat(join(work, 'backup'))).isDirectory());
  t.is(storage.url, `file://${work}/backup`);
  await t.notThrowsAsync(openStorage('backup', { ...deps, create: false }));
});

test('options are no part of a directory, but a question mark in the name of a path is', async (t) => {
  const work = await temporaryDirectory(t);
  const open = (location: string) => openStorage(location, { pool, baseDirectory: work, create: true });
  t.is((await open(`${work}/backup?compression=zstd`)).url, `file://${work}/backup?compression=zstd`);
  t.is((await open('backup?compression=zstd')).url, `file://${work}/backup?compression=zstd`);
  t.is((await open(`file://${work}/backup?compression=none`)).url, `file://${work}/backup?compression=none`);
  t.is((await open(`${work}/what?now=then`)).url, `file://${work}/what%3Fnow=then`);
  t.is((await open(`file://${work}/what%3Fnow=then`)).url, `file://${work}/what%3Fnow=then`);
  t.deepEqual((await readdir(work)).sort(), ['backup', 'what?now=then']);
  await rejectsWith(t, 'BAD_REQUEST', open(`file://${work}/other?compresion=zstd`));
  t.is(locationDirectory('/backup?encryption=secret:keys', '/'), '/backup');
});
