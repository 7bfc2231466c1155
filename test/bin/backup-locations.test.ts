import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { BackupLocations } from '../../src/bin/backup-locations.ts';
import { systemClock } from '../../src/clock.ts';
import { BackupCatalogue } from '../../src/jobs/backup-catalogue.ts';
import type { BackupRecord, Verification } from '../../src/model/backup.ts';
import type { State } from '../../src/state/database.ts';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { nodes, planned } from '../jobs/helpers.ts';
import { newState } from '../state/helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';

/** A location of the test's own, and a catalogue of cluster `dev` over it. */
function place(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'location-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const location = pathToFileURL(directory).href;
  const catalogueOf = (state: State = newState(t)) =>
    new BackupCatalogue({
      state,
      clock: systemClock,
      defaultLocation: location,
      reader: new BackupLocations('dev', new AbortController().signal),
    });
  return { directory, location, catalogueOf };
}

type Place = ReturnType<typeof place>;

function recordOf(name: string, change: Partial<BackupRecord> = {}): BackupRecord {
  const node = {
    executorId: NODE,
    hostId: 'h0',
    hostname: 'slave0',
    ip: '127.0.0.1',
    tokens: ['1'],
    schemaVersion: 's1',
  };
  return {
    version: 1,
    cluster: 'dev',
    name,
    jobUuid: `job of ${name}`,
    location: 'file:///backup',
    started: 1_000,
    finished: 2_000,
    result: 'SUCCESS',
    nodes: [{ ...node, cassandraVersion: '5.0.5', manifestSha256: 'a'.repeat(64), files: 8, bytes: 4096 }],
    missing: [],
    keyspaces: { shop: { tables: 1, files: 8, bytes: 4096 } },
    ...change,
  };
}

/** Writes the backup's record, and the folder of its node. */
async function store({ directory }: Place, record: BackupRecord): Promise<string> {
  const { cluster, name } = record;
  await mkdir(join(directory, cluster, NODE, name), { recursive: true });
  await mkdir(join(directory, cluster, 'backups'), { recursive: true });
  const path = join(directory, cluster, 'backups', `${name}.json`);
  await writeFile(path, stringifyRecord(record));
  return path;
}

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

test('one backup is shown with the parts of its nodes; one that is not there is not found', async (t) => {
  const here = place(t);
  await store(here, recordOf('monday'));
  const catalogue = here.catalogueOf();
  const part = { executorId: NODE, hostId: 'h0', hostname: 'slave0', ip: '127.0.0.1', files: 8, bytes: 4096 };
  t.like(await catalogue.get('monday'), { state: 'COMPLETE', nodeBackups: [part], missing: [], verified: null });
  await t.throwsAsync(catalogue.get('never-was'), { code: 'BACKUP_NOT_FOUND' });
  await t.throwsAsync(catalogue.get('../dev'), { code: 'NAME_INVALID' });
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
