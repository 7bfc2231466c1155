import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeInspect } from '../../src/executor/node-inspect.ts';
import { stringifyManifest, parseManifest, sha256Of, parseRecord } from '../../src/storage/manifest.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { listBackups, readBackup } from '../../src/storage/read-backups.ts';
import { planRenaming, renameExecutor } from '../../src/storage/rename-executor.ts';
import { atEveryCrash, crashStepAt } from '../helpers/crash-at.ts';
import { backUp, EXECUTOR_ID as OLD, makeHost, storePart, type Host } from '../helpers/step-context.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';

const NEW = 'cassandra.dev.node.7.executor';
const RENAMING = { cluster: 'dev', from: OLD, to: NEW };

async function hostWith(t: ExecutionContext, ...names: string[]): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  for (const [number, backupName] of names.entries()) {
    host.node.write('shop', 'users', `row ${number}`);
    await backUp(host, { backupName, jobUuid: `job of ${backupName}` });
  }
  return host;
}

/** Everything that is wrong with a backup when every byte is read. */
async function damageOf(host: Host, backupName: string, storage: Storage = host.storage): Promise<string[]> {
  const inspectors = [OLD, NEW].map((executorId) => ({ executorId, hostId: null, tokens: [], ready: true }));
  const damaged: string[] = [];
  for (const { executorId } of inspectors) {
    const request = { type: 'VERIFY', phase: 'inspect', backupName, deep: true, inspectors, executorId } as const;
    const context = host.context(request, { storage });
    await nodeInspect(context);
    damaged.push(
      ...(context.reporter.report.inspection?.damaged ?? []).map(({ path, problem }) => `${path}: ${problem}`),
    );
  }
  return damaged;
}

const nodesOf = async (storage: Storage, name: string) => (await readBackup(storage, 'dev', name))?.summary.nodes;

/** Says where the bytes of a backup lie, as an object store without links would. */
async function refer(host: Host, name: string, to: string): Promise<void> {
  const key = `dev/${OLD}/${name}/manifest.json`;
  const manifest = parseManifest((await host.storage.getDocument(key)) ?? '', key);
  const earlier = parseManifest((await host.storage.getDocument(`dev/${OLD}/${to}/manifest.json`)) ?? '', to);
  const same = new Map(earlier.files.map((file) => [file.sha256, file.path]));
  for (const file of manifest.files) {
    const path = same.get(file.sha256);
    if (path === undefined) continue;
    file.source = `dev/${OLD}/${to}/${path}`;
    await host.storage.delete(`dev/${OLD}/${name}/${file.path}`);
  }
  const text = stringifyManifest(manifest);
  const recordKey = `dev/backups/${name}.json`;
  const record = parseRecord((await host.storage.getDocument(recordKey)) ?? '', recordKey);
  for (const node of record.nodes) node.manifestSha256 = sha256Of(text);
  await host.storage.putDocument(key, text);
  await host.storage.putDocument(recordKey, `${JSON.stringify(record, null, 1)}\n`);
}

test('all backups of an executor get the new name, and every checksum holds', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  const planned = await planRenaming(host.storage, RENAMING);
  t.deepEqual(await nodesOf(host.storage, 'monday'), [OLD]);
  t.deepEqual(await renameExecutor(host.storage, RENAMING), planned);
  t.deepEqual(planned.backups, ['monday', 'tuesday']);
  t.true(planned.files > 10 && planned.bytes > 0);
  for (const name of planned.backups) {
    t.deepEqual(await nodesOf(host.storage, name), [NEW]);
    t.deepEqual(await damageOf(host, name), []);
  }
  t.deepEqual(readdirSync(join(host.root, 'backup', 'dev')).toSorted(), ['backups', NEW].toSorted());
  t.deepEqual((await renameExecutor(host.storage, RENAMING)).backups, [], 'nothing is left to be done');
  await renameExecutor(host.storage, { cluster: 'dev', from: NEW, to: OLD });
  t.deepEqual(await nodesOf(host.storage, 'monday'), [OLD]);
});

test('only the named backups are renamed, and what others name in them is found where it is then', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
  await refer(host, 'tuesday', 'monday');
  t.deepEqual((await renameExecutor(host.storage, { ...RENAMING, names: ['monday'] })).backups, ['monday']);
  t.deepEqual(await nodesOf(host.storage, 'tuesday'), [OLD]);
  for (const name of ['monday', 'tuesday', 'wednesday']) t.deepEqual(await damageOf(host, name), []);
  await renameExecutor(host.storage, { cluster: 'dev', from: NEW, to: OLD });
  for (const name of ['monday', 'tuesday', 'wednesday']) t.deepEqual(await damageOf(host, name), []);
});

test('what backups of any other executor name in it is found where it is then', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  await refer(host, 'tuesday', 'monday');
  await renameExecutor(host.storage, { ...RENAMING, names: ['tuesday'] });
  await renameExecutor(host.storage, { cluster: 'dev', from: OLD, to: 'third' });
  t.deepEqual(await nodesOf(host.storage, 'monday'), ['third']);
  t.deepEqual(await damageOf(host, 'tuesday'), []);
});

test('what a verification found stays with the backup', async (t) => {
  const host = await hostWith(t, 'monday');
  const record = (await host.storage.getDocument('dev/backups/monday.json')) ?? '';
  const finding = {
    version: 1,
    cluster: 'dev',
    name: 'monday',
    recordSha256: sha256Of(record),
    when: 5,
    deep: true,
    result: 'FAILURE',
    damagedFiles: 1,
    damaged: [{ executorId: OLD, path: 'shop/users/x', problem: 'it is missing' }],
  };
  await host.storage.putDocument('dev/backups/monday.verified', `${JSON.stringify(finding, null, 1)}\n`);
  await renameExecutor(host.storage, RENAMING);
  const found = await readBackup(host.storage, 'dev', 'monday');
  t.like(found?.summary.verification, { when: 5, result: 'FAILURE', damaged: [{ executorId: NEW }] });
});

test('what is damaged stays damaged, and what is not whole is moved as it is', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  await storePart(host, { backupName: 'half', jobUuid: 'half' });
  const manifest = join(host.root, 'backup', 'dev', OLD, 'monday', 'manifest.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('shop', 'shep'));
  writeFileSync(join(host.root, 'backup', 'dev', OLD, 'tuesday', 'manifest.json'), '{');
  await renameExecutor(host.storage, RENAMING);
  t.regex((await damageOf(host, 'monday')).join(), /manifest.json: expected sha256/);
  t.regex((await damageOf(host, 'tuesday')).join(), /manifest.json: expected sha256/);
  t.true(existsSync(join(host.root, 'backup', 'dev', NEW, 'half', 'manifest.json')));
});

test('a target that has a backup of that name is not touched, and nothing is renamed', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  mkdirSync(join(host.root, 'backup', 'dev', NEW, 'tuesday'), { recursive: true });
  const error = await t.throwsAsync(renameExecutor(host.storage, RENAMING), { code: 'NAME_TAKEN' });
  t.regex(error?.message ?? '', /tuesday/);
  t.deepEqual(await nodesOf(host.storage, 'monday'), [OLD]);
  t.deepEqual((await renameExecutor(host.storage, { ...RENAMING, names: ['monday'] })).backups, ['monday']);
});

for (const id of ['', '../up', 'a/b', '.hidden', 'backups', OLD]) {
  test(`"${id}" is no name for it`, async (t) => {
    const host = await hostWith(t, 'monday');
    await t.throwsAsync(renameExecutor(host.storage, { ...RENAMING, to: id }), { code: 'BAD_REQUEST' });
    t.deepEqual(await damageOf(host, 'monday'), []);
  });
}

test('an executor without backups has nothing to be renamed', async (t) => {
  const host = await hostWith(t, 'monday');
  t.deepEqual(await renameExecutor(host.storage, { cluster: 'dev', from: 'nobody', to: NEW }), {
    backups: [],
    files: 0,
    bytes: 0,
  });
});

test('killed before any change, each backup is whole or says what to do, and the next run completes', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  await refer(host, 'tuesday', 'monday');
  const request = { type: 'RENAME', phase: 'rename', backupName: '', renameFrom: OLD, renameTo: NEW };
  const step = (location: string) => ({ location, request });
  const crashes = await atEveryCrash(join(host.root, 'backup'), step, async (copy, at) => {
    const storage = await openStorage(copy, { pool: host.pool, baseDirectory: '/', create: false });
    for (const name of ['monday', 'tuesday']) {
      const { state, message } = await findBackup(storage, 'dev', name);
      if (state === 'COMPLETE') t.deepEqual(await damageOf(host, name, storage), [], `cut before ${at}`);
      else t.regex(message ?? '', /renaming.*run it again/, `cut before ${at}`);
    }
    t.is((await listBackups(storage, 'dev', new Map())).length, 2);
    await renameExecutor(storage, RENAMING);
    for (const name of ['monday', 'tuesday']) {
      t.deepEqual(await nodesOf(storage, name), [NEW], `cut before ${at}`);
      t.deepEqual(await damageOf(host, name, storage), [], `cut before ${at}`);
    }
  });
  t.true(crashes > 10, `${crashes} crashes`);
});

test('another renaming waits for the end of one that has begun', async (t) => {
  const host = await hostWith(t, 'monday');
  const request = { type: 'RENAME', phase: 'rename', backupName: '', renameFrom: OLD, renameTo: NEW };
  // The journal is there after its temporary, its content, its flush and its rename.
  const copy = join(host.root, 'backup');
  for (let at = 1; (await findBackup(host.storage, 'dev', 'monday')).state === 'COMPLETE'; at += 1) {
    t.true(await crashStepAt({ at, below: copy }, copy, request));
  }
  const other = { ...RENAMING, to: 'another' };
  const error = await t.throwsAsync(renameExecutor(host.storage, other), { code: 'NAME_TAKEN' });
  t.regex(error?.message ?? '', /has begun and is not at its end/);
  await renameExecutor(host.storage, RENAMING);
  t.deepEqual(await damageOf(host, 'monday'), []);
});

test('folders that were brought from another cluster become backups of this one', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  await refer(host, 'tuesday', 'monday');
  cpSync(join(host.root, 'backup', 'dev'), join(host.root, 'backup', 'prod'), { recursive: true });
  t.is((await findBackup(host.storage, 'prod', 'monday')).state, 'DAMAGED');
  const to = 'cassandra.prod.node.0.executor';
  await renameExecutor(host.storage, { cluster: 'prod', from: OLD, to });
  for (const name of ['monday', 'tuesday']) {
    t.is((await findBackup(host.storage, 'prod', name)).state, 'COMPLETE');
    const inspectors = [{ executorId: to, hostId: null, tokens: [], ready: true }];
    const request = { type: 'VERIFY', phase: 'inspect', backupName: name, deep: true, inspectors } as const;
    const context = host.context({ ...request, cluster: 'prod', executorId: to });
    await nodeInspect(context);
    t.deepEqual(context.reporter.report.inspection?.damaged, []);
    t.deepEqual(await damageOf(host, name), [], 'and what they were copied from is as it was');
  }
});
