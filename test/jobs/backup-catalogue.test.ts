import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { NODE, place, recordOf, store } from '../bin/location.ts';
import { newState } from '../state/helpers.ts';
import { nodes, planned } from './helpers.ts';

test('one backup is shown with the parts of its nodes; one that is not there is not found', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  const catalogue = here.catalogueOf();
  const part = { executorId: NODE, hostId: 'h0', hostname: 'slave0', ip: '127.0.0.1', files: 8, bytes: 4096 };
  t.like(await catalogue.get('monday'), { state: 'COMPLETE', nodeBackups: [part], missing: [], verified: null });
  await t.throwsAsync(catalogue.get('never-was'), { code: 'BACKUP_NOT_FOUND' });
  await t.throwsAsync(catalogue.get('../dev'), { code: 'NAME_INVALID' });
});

test('a location that cannot be seen is told from memory, says so, and is not forgotten by a rescan', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  const state = newState(t);
  const catalogue = here.catalogueOf(state);
  await catalogue.rescan();
  await rm(here.directory, { recursive: true });
  const reason = `there is no directory ${here.directory} on the scheduler's host`;
  t.like(await catalogue.list(), [{ name: 'monday', state: 'COMPLETE', bytes: 4096, seen: false, reason }]);
  t.like(await catalogue.get('monday'), { state: 'COMPLETE', seen: false, reason });
  await catalogue.rescan();
  t.not(state.backups.find(here.location, 'monday'), null);
  // An empty mount point is no empty location.
  await mkdir(here.directory);
  t.like(await catalogue.rescan(), [{ seen: false, backups: 1 }]);
});

test('a place that is named with other options has its backups once, and a host without keys sees how they are encrypted', async (t) => {
  const here = place(t);
  const coding = { keyIds: ['2026-11'], encrypted: true as const, compression: ['zstd' as const] };
  await store(here, { ...recordOf('monday'), ...coding });
  const state = newState(t);
  const location = `${here.location}?compression=zstd&encryption=file:/nowhere/keys`;
  const entry = { name: 'monday', jobId: null, started: 1, finished: 2, summary: null };
  for (const each of [here.location, location]) state.backups.save({ ...entry, location: each, state: 'COMPLETE' });
  const catalogue = here.catalogueOf(state);
  t.deepEqual(
    (await catalogue.list()).map((backup) => [backup.location, backup.name]),
    [[here.location, 'monday']],
  );
  t.like(await catalogue.list(location), [{ location, state: 'COMPLETE', seen: true, ...coding }]);
  t.like(await catalogue.get('monday', location), { location, seen: true, ...coding });
});

test('a backup that is being made is shown as such before and after it has stored something', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  const state = newState(t);
  for (const node of nodes(1)) state.nodes.save(node);
  const job = state.jobs.insert({
    ...planned('BACKUP', nodes(1)),
    uuid: 'u',
    location: here.location,
    backupName: 'now',
  });
  const { location } = here;
  state.backups.save({
    location,
    name: 'now',
    jobId: job.id,
    state: 'RUNNING',
    started: 9_000,
    finished: null,
    summary: null,
  });
  const catalogue = here.catalogueOf(state);
  t.like((await catalogue.list())[0], { name: 'now', state: 'RUNNING', job: job.id, seen: true });
  await mkdir(join(here.directory, 'dev', NODE, 'now'));
  t.like((await catalogue.list())[0], { name: 'now', state: 'RUNNING', job: job.id, started: 9_000, nodes: [NODE] });
  t.like(await catalogue.get('now'), { state: 'RUNNING' });
  await catalogue.rescan();
  t.is(state.backups.find(here.location, 'now')?.state, 'RUNNING');
});

test('the only whole backup is known, and a damaged one does not count as whole', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  await writeFile(await store(here, recordOf('tuesday')), '{');
  const catalogue = here.catalogueOf();
  await t.throwsAsync(catalogue.checkNotOnlyWhole('monday'), { code: 'BACKUP_NEEDED' });
  await t.notThrowsAsync(catalogue.checkNotOnlyWhole('tuesday'));
  await store(here, recordOf('wednesday'));
  await t.notThrowsAsync(catalogue.checkNotOnlyWhole('monday'));
});
