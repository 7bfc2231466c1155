import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkFiles } from '../../src/executor/backup-source.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { manifestKey } from '../../src/storage/layout.ts';
import { parseManifest, sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { atEveryCrash, crashStepAt } from '../helpers/crash-at.ts';
import { DirectoryNode } from '../helpers/directory-node.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { leaveNode, nodeIn, runStepOn } from '../helpers/run-step-at.ts';
import { commitOf, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';

/** A node with data and a location beside it, both of which can be copied. */
interface Place {
  work: string;
  location: string;
}

const placeIn = (work: string): Place => ({ work, location: join(work, 'backup') });

const requestOf = (backupName: string): Partial<StepRequest> => ({
  backupName,
  jobUuid: `job-${backupName}`,
  scheduler: 'scheduler',
});

async function step({ work, location }: Place, request: Partial<StepRequest>) {
  const outcome = await runStepOn(nodeIn(work), location, request);
  if (outcome.state !== 'TASK_FINISHED') throw new Error(`${request.phase} ended so: ${outcome.message}`);
  return outcome.report;
}

/** Does the first phase of a backup, and says what the record will be. */
async function storePart(place: Place, backupName: string): Promise<BackupRecord> {
  const { manifest } = await step(place, requestOf(backupName));
  if (manifest === null) throw new Error('expected a manifest');
  const { sha256: manifestSha256, ...node } = manifest;
  const text = { version: 1 as const, cluster: 'dev', name: backupName, jobUuid: `job-${backupName}` };
  const when = { started: Date.now(), finished: Date.now(), result: 'SUCCESS' as const, missing: [] };
  return {
    ...text,
    location: 'file:///backup',
    ...when,
    nodes: [{ executorId: EXECUTOR_ID, manifestSha256, ...node }],
  };
}

async function commit(place: Place, record: BackupRecord): Promise<void> {
  const request = { ...requestOf(record.name), ...commitOf(record) };
  await step(place, { ...request, phase: 'confirm' });
  await step(place, request);
}

/** A node with one backup, that has flushed something since. */
async function oneBackup(t: ExecutionContext): Promise<Place> {
  const place = placeIn(mkdtempSync(join(tmpdir(), 'killed-')));
  t.teardown(() => rmSync(place.work, { recursive: true, force: true }));
  mkdirSync(join(place.work, 'data'));
  const node = new DirectoryNode([join(place.work, 'data')]);
  node.createTable('shop', 'users');
  node.write('shop', 'users', 'ada');
  leaveNode(node);
  await commit(place, await storePart(place, 'first'));
  node.write('shop', 'users', 'grace');
  return place;
}

const openAt = ({ location }: Place, { pool }: Host): Promise<Storage> =>
  openStorage(location, { pool, baseDirectory: '/', create: false });

/** Whatever was cut: the earlier backup is whole, and what has a record or a manifest has its files. */
async function checkWhole(t: ExecutionContext, host: Host, place: Place, where: string): Promise<void> {
  const storage = await openAt(place, host);
  t.deepEqual(await inspectBackup(host, storage, 'first'), [], where);
  const { state } = await findBackup(storage, 'dev', 'second');
  if (state === 'COMPLETE') t.deepEqual(await inspectBackup(host, storage, 'second'), [], where);
  else t.true(state === 'INCOMPLETE' || state === 'ABSENT', `second is ${state}, ${where}`);
  const key = manifestKey('dev', EXECUTOR_ID, 'second');
  const text = await storage.getDocument(key);
  if (text === null) return;
  await t.notThrowsAsync(
    checkFiles(host.context({ backupName: 'second' }, { storage }), parseManifest(text, key)),
    where,
  );
}

test('a backup that is killed at any change of its location harms no other, and goes on', async (t) => {
  t.timeout(110_000);
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const crashes = await atEveryCrash(place.work, async (copy, at) => {
    const cut = placeIn(copy);
    const request = requestOf('second');
    const isCut = await crashStepAt({ at, below: cut.location }, cut.location, request, cut.work);
    await checkWhole(t, host, cut, `cut at ${at}`);
    const record = await storePart(cut, 'second');
    await commit(cut, record);
    const storage = await openAt(cut, host);
    t.deepEqual(await inspectBackup(host, storage, 'second'), [], `gone on after a cut at ${at}`);
    t.is((await findBackup(storage, 'dev', 'second')).state, 'COMPLETE', `gone on after a cut at ${at}`);
    return isCut;
  });
  t.true(crashes > 20, `${crashes} cuts`);
});

test('a commit that is killed at any change of the location leaves a record with all of its files or none', async (t) => {
  t.timeout(110_000);
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const record = await storePart(place, 'second');
  const request = { ...requestOf('second'), ...commitOf(record) };
  const crashes = await atEveryCrash(place.work, async (copy, at) => {
    const cut = placeIn(copy);
    const isCut = await crashStepAt({ at, below: cut.location }, cut.location, request, cut.work);
    await checkWhole(t, host, cut, `cut at ${at}`);
    await step(cut, request);
    t.deepEqual(await inspectBackup(host, await openAt(cut, host), 'second'), [], `gone on after a cut at ${at}`);
    return isCut;
  });
  t.true(crashes > 3, `${crashes} cuts`);
});

test('what a verification has found is written down whole or not at all, wherever it is killed', async (t) => {
  t.timeout(110_000);
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const storage = await openAt(place, host);
  const { record } = await findBackup(storage, 'dev', 'first');
  if (record === null) throw new Error('expected a record');
  const finding = {
    version: 1,
    cluster: 'dev',
    name: 'first',
    jobUuid: 'v',
    recordSha256: sha256Of(stringifyRecord(record)),
  };
  const text = JSON.stringify({
    ...finding,
    when: Date.now(),
    deep: true,
    result: 'SUCCESS',
    damagedFiles: 0,
    damaged: [],
  });
  const request = {
    ...requestOf('first'),
    type: 'VERIFY',
    phase: 'commit',
    record: text,
    recordSha256: sha256Of(text),
  } as const;
  const crashes = await atEveryCrash(place.work, async (copy, at) => {
    const cut = placeIn(copy);
    const isCut = await crashStepAt({ at, below: cut.location }, cut.location, request, cut.work);
    const found = await (await openAt(cut, host)).getDocument('dev/backups/first.verified');
    t.true(found === null || found === text, `cut at ${at}`);
    await checkWhole(t, host, cut, `cut at ${at}`);
    await step(cut, request);
    t.is(await (await openAt(cut, host)).getDocument('dev/backups/first.verified'), text);
    return isCut;
  });
  t.true(crashes >= 3, `${crashes} cuts`);
});
