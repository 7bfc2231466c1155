import test, { type ExecutionContext } from 'ava';
import { checkFiles } from '../../src/executor/backup-source.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { manifestKey } from '../../src/storage/layout.ts';
import { parseManifest, sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { atEveryCrash, type StepAt } from '../helpers/crash-at.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { commitOf, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';
import { commit, oneBackup, openAt, placeIn, requestOf, step, storePart, type Place } from './place.ts';

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

/** What is done at a copy of a place. */
const stepIn =
  (request: object) =>
  (copy: string): StepAt => {
    const { location, work } = placeIn(copy);
    return { location, request, node: work };
  };

test('a backup that is killed at any change of its location harms no other, and goes on', async (t) => {
  t.timeout(110_000);
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const request = requestOf('second');
  const crashes = await atEveryCrash(place.work, stepIn(request), async (copy, at) => {
    const cut = placeIn(copy);
    await checkWhole(t, host, cut, `cut at ${at}`);
    const record = await storePart(cut, 'second');
    await commit(cut, record);
    const storage = await openAt(cut, host);
    t.deepEqual(await inspectBackup(host, storage, 'second'), [], `gone on after a cut at ${at}`);
    t.is((await findBackup(storage, 'dev', 'second')).state, 'COMPLETE', `gone on after a cut at ${at}`);
  });
  t.true(crashes > 20, `${crashes} cuts`);
});

test('a commit that is killed at any change of the location leaves a record with all of its files or none', async (t) => {
  t.timeout(110_000);
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const record = await storePart(place, 'second');
  const request = { ...requestOf('second'), ...commitOf(record) };
  const crashes = await atEveryCrash(place.work, stepIn(request), async (copy, at) => {
    const cut = placeIn(copy);
    await checkWhole(t, host, cut, `cut at ${at}`);
    await step(cut, request);
    t.deepEqual(await inspectBackup(host, await openAt(cut, host), 'second'), [], `gone on after a cut at ${at}`);
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
  const crashes = await atEveryCrash(place.work, stepIn(request), async (copy, at) => {
    const cut = placeIn(copy);
    const found = await (await openAt(cut, host)).getDocument('dev/backups/first.verified');
    t.true(found === null || found === text, `cut at ${at}`);
    await checkWhole(t, host, cut, `cut at ${at}`);
    await step(cut, request);
    t.is(await (await openAt(cut, host)).getDocument('dev/backups/first.verified'), text);
  });
  t.true(crashes >= 3, `${crashes} cuts`);
});
