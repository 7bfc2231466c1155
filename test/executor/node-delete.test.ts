import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeDelete } from '../../src/executor/node-delete.ts';
import type { DeletionReport, StepRequest } from '../../src/model/step.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { backUp, EXECUTOR_ID, makeHost, storePart, type Host } from '../helpers/step-context.ts';

const CLUSTER = join('backup', 'dev');
const RECORDS = join(CLUSTER, 'backups');

/** A host with backups of one table under the given names. */
async function hostWith(t: ExecutionContext, ...names: string[]): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  for (const backupName of names) await backUp(host, { backupName, jobUuid: `job of ${backupName}` });
  return host;
}

async function remove(
  host: Host,
  change: Partial<StepRequest> = {},
  storage: Storage = host.storage,
): Promise<DeletionReport | undefined> {
  const context = host.context({ type: 'DELETE', phase: 'delete', jobUuid: 'deletion', ...change }, { storage });
  await nodeDelete(context);
  return context.reporter.report.deletion;
}

const names = (host: Host, ...path: string[]): string[] => readdirSync(join(host.root, ...path)).toSorted();

const stateOf = async (host: Host, name = 'monday') => (await findBackup(host.storage, 'dev', name)).state;

test('a deleted backup leaves nothing, and its name can be used again', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  t.like(await remove(host), { found: true, whole: true, kept: 0 });
  t.is(await stateOf(host), 'ABSENT');
  t.deepEqual(names(host, CLUSTER, EXECUTOR_ID), ['tuesday']);
  t.deepEqual(names(host, RECORDS), ['tuesday.json']);
  t.is(await stateOf(host, 'tuesday'), 'COMPLETE');
  await backUp(host);
  t.is(await stateOf(host), 'COMPLETE');
});

test('parts under the folders of other executors go as well, with the folders that are empty then', async (t) => {
  const host = await hostWith(t, 'tuesday');
  const own = await storePart(host);
  await nodeBackup(host.context({ executorId: 'cassandra.dev.node.7.executor', jobUuid: own.jobUuid }));
  t.like(await remove(host), { found: true, whole: false });
  t.deepEqual(names(host, CLUSTER), ['backups', EXECUTOR_ID]);
});

test('what is left of a backup without a record can be deleted', async (t) => {
  const host = await hostWith(t);
  await storePart(host);
  t.like(await remove(host), { found: true, whole: false });
  t.is(await stateOf(host), 'ABSENT');
});

test('where there is nothing, nothing is done', async (t) => {
  const host = await hostWith(t, 'tuesday');
  t.deepEqual(await remove(host), { found: false, whole: false, files: 0, kept: 0 });
  t.deepEqual(names(host, RECORDS), ['tuesday.json']);
});

test('the only whole backup stays unless it is said by force', async (t) => {
  const host = await hostWith(t, 'monday');
  await storePart(host, { backupName: 'tuesday', jobUuid: 'never finished' });
  await t.throwsAsync(remove(host), { code: 'BACKUP_NEEDED', message: /monday is the only whole one/ });
  t.is(await stateOf(host), 'COMPLETE');
  t.like(await remove(host, { force: true }), { found: true });
  t.is(await stateOf(host), 'ABSENT');
});

test('another cluster in the same location is not touched, whatever its backups are called', async (t) => {
  const host = await hostWith(t, 'tuesday');
  await backUp(host, { cluster: 'other' });
  await backUp(host);
  await remove(host);
  t.deepEqual(names(host, 'backup', 'other', 'backups'), ['monday.json']);
  t.true(existsSync(join(host.root, 'backup', 'other', EXECUTOR_ID, 'monday', 'manifest.json')));
});

test('a backup whose name ends like a marker is another one', async (t) => {
  const host = await hostWith(t, 'monday', 'monday.deleting', 'monday.verified');
  t.is(await stateOf(host), 'COMPLETE');
  await remove(host);
  t.deepEqual(names(host, RECORDS), ['monday.deleting.json', 'monday.verified.json']);
  t.is(await stateOf(host, 'monday.deleting'), 'COMPLETE');
});

test('files that the manifest of another backup names stay, and the name with them, and go with that one', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
  const needed = `dev/${EXECUTOR_ID}/monday/shop/users/nb-1-big-Data.db`;
  const manifest = `dev/${EXECUTOR_ID}/tuesday/manifest.json`;
  const text = (await host.storage.getDocument(manifest)) ?? '';
  const file = '"path": "shop/users/nb-1-big-Data.db",';
  await host.storage.putDocument(manifest, text.replace(file, `${file} "source": "${needed}",`));
  t.like(await remove(host), { kept: 1 });
  t.is(readFileSync(join(host.root, 'backup', needed), 'utf8'), 'ada');
  t.is(await stateOf(host), 'DELETING');
  t.regex((await findBackup(host.storage, 'dev', 'monday')).message ?? '', /1 files that other backups refer to/);
  await remove(host, { backupName: 'tuesday' });
  t.is(await stateOf(host), 'ABSENT', 'it goes with the last that needed it');
});

test('links are deleted and what they lead to is not', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  mkdirSync(join(host.root, 'elsewhere'));
  writeFileSync(join(host.root, 'elsewhere', 'precious'), 'x');
  symlinkSync(join(host.root, 'elsewhere'), join(host.root, CLUSTER, EXECUTOR_ID, 'monday', 'shop', 'link'));
  await remove(host);
  t.deepEqual(names(host, 'elsewhere'), ['precious']);
  t.false(existsSync(join(host.root, CLUSTER, EXECUTOR_ID, 'monday')));
});

/** Ends the process, so to say, at one call to the storage: before it, or after it was carried out. */
function dyingStorage(
  storage: Storage,
  at: number,
  when: 'before' | 'after',
): { storage: Storage; calls: () => number } {
  let calls = 0;
  const wrapped = new Proxy(storage, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property === 'list') return value.bind(target);
      return async (...args: unknown[]) => {
        const dies = calls === at;
        calls += 1;
        if (dies && when === 'before') throw new Error('the power is gone');
        const result: unknown = await value.apply(target, args);
        if (dies) throw new Error('the power is gone');
        return result;
      };
    },
  });
  return { storage: wrapped, calls: () => calls };
}

for (const when of ['before', 'after'] as const) {
  test(`cut short ${when} any call to the storage, a deletion is either not begun or goes on to its end`, async (t) => {
    for (let at = 0; ; at += 1) {
      const host = await hostWith(t, 'monday', 'tuesday');
      const dying = dyingStorage(host.storage, at, when);
      const ended = await remove(host, {}, dying.storage).then(
        () => true,
        () => false,
      );
      if (ended) {
        t.true(at > 8, `only ${at} calls were tried`);
        return;
      }
      const state = await stateOf(host);
      t.true(['COMPLETE', 'DELETING', 'ABSENT'].includes(state), `${state} after call ${at}`);
      if (state === 'COMPLETE') t.true(existsSync(join(host.root, CLUSTER, EXECUTOR_ID, 'monday', 'manifest.json')));
      await remove(host);
      t.is(await stateOf(host), 'ABSENT', `after call ${at}`);
      t.deepEqual(names(host, CLUSTER, EXECUTOR_ID), ['tuesday']);
      t.deepEqual(names(host, RECORDS), ['tuesday.json']);
    }
  });
}

test('cut short after any single file, a deletion goes on to its end', async (t) => {
  for (let count = 1; ; count += 1) {
    const host = await hostWith(t, 'monday', 'tuesday');
    const kill = new AbortController();
    let files = 0;
    const context = host.context({ type: 'DELETE', phase: 'delete' }, { signal: kill.signal });
    context.reporter.current = () => {
      files += 1;
      if (files === count) kill.abort(new Error('killed'));
    };
    const ended = await nodeDelete(context).then(
      () => true,
      () => false,
    );
    if (ended && files < count) {
      t.true(count > 4);
      return;
    }
    if (!ended) t.is(await stateOf(host), 'DELETING');
    await remove(host);
    t.is(await stateOf(host), 'ABSENT');
    t.is(await stateOf(host, 'tuesday'), 'COMPLETE');
  }
});
