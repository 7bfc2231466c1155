import { link, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Verification } from '../../src/model/backup.ts';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { newState } from '../state/helpers.ts';
import { NODE, place, recordOf, store } from './location.ts';

test('what lies at a location is listed newest first, by what its documents say', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  const missing = [{ executorId: 'node.1', keyspace: null, reason: 'down' }];
  await store(here, recordOf('tuesday', { started: 3_000, result: 'PARTIAL', missing }));
  await writeFile(await store(here, recordOf('broken')), '{');
  await mkdir(join(here.directory, 'dev', NODE, 'half'));
  await store(here, recordOf('going'));
  await writeFile(join(here.directory, 'dev', 'backups', 'going.deleting'), '');
  const backups = await here.catalogueOf().list();
  t.deepEqual(
    backups.map(({ name, state, seen }) => [name, state, seen]),
    [
      ['tuesday', 'PARTIAL', true],
      ['monday', 'COMPLETE', true],
      ['broken', 'DAMAGED', true],
      ['going', 'DELETING', true],
      ['half', 'INCOMPLETE', true],
    ],
  );
  t.like(backups[0], { message: 'backup tuesday is partial; missing: node.1: down' });
  t.like(backups[1], {
    files: 8,
    bytes: 4096,
    nodes: [NODE],
    cassandraVersion: '5.0.5',
    schemaVersion: 's1',
    job: null,
  });
});

test('backups of other clusters in the same location are not shown', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  await store(here, recordOf('secret', { cluster: 'other' }));
  const catalogue = here.catalogueOf();
  t.deepEqual(
    (await catalogue.list()).map(({ name }) => name),
    ['monday'],
  );
  await t.throwsAsync(catalogue.get('secret'), { code: 'BACKUP_NOT_FOUND' });
});

test('a finding makes a backup damaged as long as it is about this very record', async (t) => {
  const here = place(t);
  const path = await store(here, recordOf('monday'));
  const damaged = [{ executorId: NODE, path: 'shop/users/nb-1-big-Data.db', problem: 'it is missing' }];
  const finding: Verification = {
    version: 1,
    cluster: 'dev',
    name: 'monday',
    recordSha256: sha256Of(stringifyRecord(recordOf('monday'))),
    when: 5_000,
    deep: true,
    result: 'FAILURE',
    damagedFiles: 1,
    damaged,
  };
  const catalogue = here.catalogueOf();
  t.like((await catalogue.list())[0], { state: 'COMPLETE', verified: null, damaged: [] });
  await writeFile(join(here.directory, 'dev', 'backups', 'monday.verified'), JSON.stringify(finding));
  const verified = { when: 5_000, deep: true, result: 'FAILURE' };
  t.like((await catalogue.list())[0], { state: 'DAMAGED', verified, damaged });
  t.like(await catalogue.get('monday'), { state: 'DAMAGED', verified, damaged });
  await writeFile(path, stringifyRecord(recordOf('monday', { jobUuid: 'another backup' })));
  t.like((await catalogue.list())[0], { state: 'COMPLETE', verified: null });
});

test('a record that is written anew is read anew, one that is the same is not', async (t) => {
  const here = place(t);
  const path = await store(here, recordOf('monday'));
  await utimes(path, 1, 1);
  const catalogue = here.catalogueOf();
  t.is((await catalogue.list())[0]?.bytes, 4096);
  await writeFile(path, '{'.padEnd(stringifyRecord(recordOf('monday')).length));
  await utimes(path, 1, 1);
  t.is((await catalogue.list())[0]?.state, 'COMPLETE');
  await utimes(path, 2, 2);
  t.is((await catalogue.list())[0]?.state, 'DAMAGED');
});

test('a scheduler that lost its state finds all backups again, and forgets those that are gone', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  await store(here, recordOf('tuesday', { started: 3_000 }));
  const state = newState(t);
  const catalogue = here.catalogueOf(state);
  t.deepEqual(await catalogue.rescan(), [{ location: here.location, seen: true, reason: null, backups: 2 }]);
  t.deepEqual(
    state.backups.list().map(({ name, state: was, jobId, summary }) => [name, was, jobId, summary?.bytes]),
    [
      ['tuesday', 'COMPLETE', null, 4096],
      ['monday', 'COMPLETE', null, 4096],
    ],
  );
  await rm(join(here.directory, 'dev', 'backups', 'monday.json'));
  await rm(join(here.directory, 'dev', NODE, 'monday'), { recursive: true });
  await catalogue.rescan();
  t.is(state.backups.find(here.location, 'monday'), null);
});

test('what a backup sent, and how it was made, is told where its record says it', async (t) => {
  const here = place(t);
  await store(here, recordOf('early'));
  const [node] = recordOf('late').nodes;
  if (node === undefined) throw new Error('a record without nodes');
  const late = { nodes: [{ ...node, filesSent: 1, bytesSent: 100 }], mode: 'incremental', adopted: true } as const;
  await store(here, recordOf('late', { ...late, nodes: [...late.nodes], started: 3_000 }));
  t.like(await here.catalogueOf().list(), [
    { name: 'late', bytesSent: 100, mode: 'incremental', adopted: true },
    { name: 'early', bytesSent: null, mode: null, adopted: false },
  ]);
});

test("a backup's own bytes are those that no other one links to, and are counted anew when one goes", async (t) => {
  const here = place(t);
  for (const name of ['monday', 'tuesday']) await store(here, recordOf(name));
  const [monday, tuesday] = ['monday', 'tuesday'].map((name) => join(here.directory, 'dev', NODE, name)) as [
    string,
    string,
  ];
  await writeFile(join(monday, 'shared'), '12345');
  await link(join(monday, 'shared'), join(tuesday, 'shared'));
  await writeFile(join(tuesday, 'new'), '123');
  const state = newState(t);
  const reader = here.readerOf(state);
  const catalogue = here.catalogueOf(state, reader);
  const told = async () => (await catalogue.list()).map(({ name, bytesOwn }) => [name, bytesOwn]);
  t.deepEqual(await told(), [
    ['monday', null],
    ['tuesday', null],
  ]);
  t.deepEqual(
    await Promise.all(['monday', 'tuesday'].map((name) => reader.countOwnBytes(here.location, name))),
    [0, 3],
  );
  t.deepEqual(await told(), [
    ['monday', 0],
    ['tuesday', 3],
  ]);
  t.is((await catalogue.get('tuesday')).bytesOwn, 3);
  await rm(join(here.directory, 'dev', 'backups', 'monday.json'));
  await rm(monday, { recursive: true });
  t.deepEqual(await told(), [['tuesday', null]]);
  t.is(await reader.countOwnBytes(here.location, 'tuesday'), 8);
  t.deepEqual(await told(), [['tuesday', 8]]);
});

test('a scheduler that starts again reads only records that have changed since, and all that it could not read', async (t) => {
  const here = place(t);
  const whole = await store(here, recordOf('monday'));
  const broken = await store(here, recordOf('broken'));
  const [good, bad] = [stringifyRecord(recordOf('monday')), stringifyRecord(recordOf('broken'))];
  await writeFile(broken, '{'.padEnd(bad.length));
  for (const path of [whole, broken]) await utimes(path, 1, 1);
  const state = newState(t);
  await here.catalogueOf(state).rescan();
  // The same size and time with other content: whoever reads it sees.
  await writeFile(whole, '{'.padEnd(good.length));
  await writeFile(broken, bad);
  for (const path of [whole, broken]) await utimes(path, 1, 1);
  t.deepEqual(Object.fromEntries((await here.catalogueOf(state).list()).map(({ name, state: is }) => [name, is])), {
    monday: 'COMPLETE',
    broken: 'COMPLETE',
  });
  await utimes(whole, 2, 2);
  const after = here.catalogueOf(state);
  t.is((await after.list()).find(({ name }) => name === 'monday')?.state, 'DAMAGED');
  t.is(state.backups.find(here.location, 'monday')?.state, 'DAMAGED');
});
