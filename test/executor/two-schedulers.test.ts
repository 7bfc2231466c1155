import test from 'ava';
import { findBackup } from '../../src/storage/find-backup.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { nodeIn, runStepOn } from '../helpers/run-step-at.ts';
import { makeHost } from '../helpers/step-context.ts';
import { commit, oneBackup, openAt, requestOf, storePart } from './place.ts';

test('of two schedulers that work at a location at the same time one is refused, nothing is lost, and it may when the other is through', async (t) => {
  const host = await makeHost(t);
  const place = await oneBackup(t);
  const storage = await openAt(place, host);
  const record = await storePart(place, 'second');
  const other = { scheduler: 'another', jobUuid: 'of another' };
  const backup = { ...requestOf('third'), ...other };
  const deletion = { ...other, backupName: 'first', type: 'DELETE', phase: 'delete', force: true } as const;
  for (const request of [backup, deletion]) {
    const { state, report } = await runStepOn(nodeIn(place.work), place.location, request);
    t.is(state, 'TASK_FAILED');
    t.is(report.errors[0]?.code, 'LOCATION_LOCKED');
  }
  t.is((await findBackup(storage, 'dev', 'third')).state, 'ABSENT');
  await commit(place, record);
  for (const name of ['first', 'second']) t.deepEqual(await inspectBackup(host, storage, name), [], name);

  t.is((await runStepOn(nodeIn(place.work), place.location, deletion)).state, 'TASK_FINISHED');
  t.is((await findBackup(storage, 'dev', 'first')).state, 'ABSENT');
  t.deepEqual(await inspectBackup(host, storage, 'second'), []);
});
