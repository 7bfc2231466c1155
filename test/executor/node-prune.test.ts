import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodePrune } from '../../src/executor/node-prune.ts';
import type { PruneReport, StepRequest } from '../../src/model/step.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { openStorage } from '../../src/storage/open.ts';
import { atEveryCrash } from '../helpers/crash-at.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { runStepAt } from '../helpers/run-step-at.ts';
import { backUp, makeHost, storePart, type Host } from '../helpers/step-context.ts';

async function hostWith(t: ExecutionContext, ...names: string[]): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  for (const backupName of names) await backUp(host, { backupName, jobUuid: `job of ${backupName}` });
  return host;
}

async function prune(host: Host, ...names: string[]): Promise<PruneReport | undefined> {
  const context = host.context({
    type: 'PRUNE',
    phase: 'prune',
    jobUuid: 'pruning',
    scheduler: 'one',
    backupName: '',
    names,
  });
  await nodePrune(context);
  return context.reporter.report.prune;
}

const stateOf = async (host: Host, name: string) => (await findBackup(host.storage, 'dev', name)).state;

test('all of the named backups go, whole or not, and no other', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
  await storePart(host, { backupName: 'half', jobUuid: 'half' });
  const report = await prune(host, 'monday', 'tuesday', 'half');
  t.like(report, { deleted: ['monday', 'tuesday', 'half'], kept: [] });
  t.deepEqual(readdirSync(join(host.root, 'backup', 'dev', 'backups')), ['wednesday.json']);
  t.is(await stateOf(host, 'wednesday'), 'COMPLETE');
});

test('where all of it was seen no other node need look; what has gone already is fine', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  t.like(await prune(host, 'monday'), { whole: true, deleted: ['monday'] });
  t.like(await prune(host, 'monday'), { whole: false, deleted: [], kept: [] });
});

test('the only whole backup stays whoever asks, and the others go all the same', async (t) => {
  const host = await hostWith(t, 'monday');
  await storePart(host, { backupName: 'half', jobUuid: 'half' });
  const report = await prune(host, 'monday', 'half');
  t.like(report, { whole: false, deleted: ['half'], kept: [{ name: 'monday' }] });
  t.is(await stateOf(host, 'monday'), 'COMPLETE');
  t.is(await stateOf(host, 'half'), 'ABSENT');
});

test('a pruning that is killed at any change of the file system loses nothing of what stays, and goes on', async (t) => {
  t.timeout(110_000);
  const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
  const request: Partial<StepRequest> = {
    type: 'PRUNE',
    phase: 'prune',
    jobUuid: 'pruning',
    scheduler: 'one',
    backupName: '',
    names: ['monday', 'wednesday'],
  };
  const step = (location: string) => ({ location, request });
  const crashes = await atEveryCrash(join(host.root, 'backup'), step, async (location, at) => {
    const storage = await openStorage(location, { pool: host.pool, baseDirectory: '/', create: false });
    for (const name of ['monday', 'wednesday']) {
      const { state } = await findBackup(storage, 'dev', name);
      if (state === 'COMPLETE') t.deepEqual(await inspectBackup(host, storage, name), [], `${name}, cut at ${at}`);
      else t.true(state === 'DELETING' || state === 'ABSENT', `${name} is ${state}, cut at ${at}`);
    }
    t.deepEqual(await inspectBackup(host, storage, 'tuesday'), [], `cut at ${at}`);
    t.is((await runStepAt(location, request)).state, 'TASK_FINISHED');
    t.deepEqual(readdirSync(join(location, 'dev', 'cassandra.dev.node.0.executor')), ['tuesday'], `cut at ${at}`);
    t.deepEqual(await inspectBackup(host, storage, 'tuesday'), [], `gone on after a cut at ${at}`);
  });
  t.true(crashes > 10);
});
