import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nodeAdopt } from '../../src/executor/node-adopt.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeDelete } from '../../src/executor/node-delete.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { FRAMEWORK, storeForeign, treeOf } from '../helpers/foreign-tree.ts';
import { backUp, EXECUTOR_ID, manifestOf, type Host } from '../helpers/step-context.ts';
import { ADOPT, adopt, commit, dyingStorage, hostWithForeign, own, verifyDeep, withoutLinks } from './adoption.ts';
import { restore } from './increments.ts';

const UUIDS = ['3g8a_0ygf_4a9yo2klyu0ym7l0vp', '3g8a_0ygf_4a9yo2klyu0ym7l0vq'];

const remove = (host: Host, force = false) => nodeDelete(host.context({ type: 'DELETE', phase: 'delete', force }));

test('an adopted backup holds links to the foreign files, says whose it is, and the foreign tree stays as it was', async (t) => {
  const host = await hostWithForeign(t, { listed: true });
  const before = treeOf(join(host.root, 'backup', FRAMEWORK));
  const context = await adopt(host);
  await commit(host, context);

  t.deepEqual(treeOf(join(host.root, 'backup', FRAMEWORK)), before);
  const manifest = await manifestOf(host);
  t.like(manifest, { adopted: true, adoptedFrom: FRAMEWORK, keyspaces: ['shop'], filesSent: 0, bytesSent: 0 });
  t.like(manifest, { tokens: ['-100', '200'], hostId: host.node.state.hostId, cassandraVersion: '5.0.5' });
  t.deepEqual(
    manifest.tables.map(({ table, id }) => [table, id]),
    [['users', host.node.schemaNow.tables[0]?.id]],
  );
  t.is(manifest.files.length, 10, 'five components of each, and not Cassandra’s own manifest.json');
  for (const { path, source } of manifest.files) {
    t.is(source, undefined);
    t.is(statSync(own(host, path)).ino, statSync(join(host.folder, path.slice('shop/users/'.length))).ino);
  }
  const { record } = await findBackup(host.storage, 'dev', 'monday');
  t.like(record, { adopted: true, adoptedFrom: FRAMEWORK, result: 'SUCCESS' });
  const { shop } = context.reporter.report.keyspaces;
  t.like(shop, { status: 'SUCCESS', filesSent: 0, tables: { users: { files: 10 } } });
});

const GENERATIONS = { numbers: ['1', '17'], UUIDs: UUIDS };
for (const [kind, ids] of Object.entries(GENERATIONS)) {
  test(`an adopted backup with ${kind} as generations is verified and restored, every row`, async (t) => {
    const host = await hostWithForeign(t, { ids });
    await commit(host, await adopt(host));
    t.like(await verifyDeep(host), { damagedFiles: 0, extraFiles: 0 });
    host.node.write('shop', 'users', 'written later');
    await restore(host, 'monday');
    t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
  });
}

test('where the location has no links the manifest says where the bytes lie, and all works the same', async (t) => {
  const host = await hostWithForeign(t);
  host.storage = withoutLinks(host.storage);
  await commit(host, await adopt(host));
  t.deepEqual(readdirSync(own(host)).toSorted(), ['manifest.json', 'schema.cql', 'started.json']);
  t.true(
    (await manifestOf(host)).files.every(({ source }) => source?.startsWith(`${FRAMEWORK}/${EXECUTOR_ID}/monday/`)),
  );
  t.like(await verifyDeep(host), { damagedFiles: 0 });
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
  await remove(host, true);
  t.deepEqual(readFileSync(join(host.folder, 'nb-1-big-Data.db'), 'utf8'), 'ada');
});

test('a deleted backup that was adopted leaves the foreign tree as it is', async (t) => {
  const host = await hostWithForeign(t);
  const before = treeOf(join(host.root, 'backup', FRAMEWORK));
  await commit(host, await adopt(host));
  await remove(host, true);
  t.false(existsSync(own(host)));
  t.deepEqual(treeOf(join(host.root, 'backup', FRAMEWORK)), before);
  await commit(host, await adopt(host));
  t.is((await findBackup(host.storage, 'dev', 'monday')).state, 'COMPLETE', 'it can be adopted again');
});

test('in the folder of the cluster only documents are added, and a deletion takes the files along', async (t) => {
  const host = await hostWithForeign(t, { framework: 'dev' });
  const before = treeOf(own(host));
  await commit(host, await adopt(host));
  const added = Object.keys(treeOf(own(host))).filter((path) => !(path in before));
  t.deepEqual(added, ['manifest.json', 'schema.cql', 'started.json']);
  t.like(treeOf(own(host)), before);
  t.is((await manifestOf(host)).adoptedFrom, 'dev');
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
  await remove(host, true);
  t.false(existsSync(own(host)));
});

test('a folder whose name ends with the table id is the folder of that table', async (t) => {
  for (const framework of [FRAMEWORK, 'dev']) {
    const host = await hostWithForeign(t, { framework, folder: `users-${'0a'.repeat(16)}` });
    await commit(host, await adopt(host));
    const [table] = (await manifestOf(host)).tables;
    t.like(table, { table: 'users', id: '0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a' });
    t.like(await verifyDeep(host), { damagedFiles: 0, extraFiles: 0 });
    host.node.write('shop', 'users', 'written later');
    await restore(host, 'monday');
    t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
  }
});

test('an own backup after it is an increment upon the adopted one', async (t) => {
  const host = await hostWithForeign(t);
  await commit(host, await adopt(host));
  const record = await backUp(host, { backupName: 'tuesday', jobUuid: 'job of tuesday' });
  t.is(record.nodes[0]?.files, 8);
  t.is(record.nodes[0]?.filesSent, 2, 'only the TOC.txt of each is another one');
});

test('a table that the cluster does not have is told with what to do, and adopted once it is there', async (t) => {
  const host = await hostWithForeign(t);
  const { node } = host;
  const tables = node.schemaNow.tables;
  node.schemaNow.tables = [];
  node.createTable('crm', 'notes');
  storeForeign(host, [node.write('crm', 'notes', 'hello')]);
  const context = await adopt(host);
  t.like(context.reporter.report.keyspaces, { crm: { status: 'SUCCESS' }, shop: { status: 'FAILURE' } });
  t.regex(
    context.reporter.report.errors[0]?.message ?? '',
    /has no table shop\.users.*create it as it was, then adopt again/,
  );
  t.deepEqual((await manifestOf(host)).keyspaces, ['crm']);
  node.schemaNow.tables.push(...tables);
  await adopt(host, { jobUuid: 'a later adoption' });
  t.like(await manifestOf(host), { keyspaces: ['crm', 'shop'], jobUuid: 'a later adoption' });
});

test('an adoption that was cut short is gone on with, by the same job or a later one, and reads nothing twice', async (t) => {
  const host = await hostWithForeign(t);
  const read: string[] = [];
  let left = 4;
  const storage = new Proxy(host.storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'checksum') return value.bind(target);
      return (key: string, ...rest: [object]) => {
        if (left-- <= 0) return Promise.reject(new Error('the power is gone'));
        read.push(key);
        return target.checksum(key, ...rest);
      };
    },
  });
  // Progress is made durable now and then; here always.
  let now = Date.now() + 1000;
  const clock = { now: () => (now += 60_000), sleep: () => Promise.resolve() };
  const again = (jobUuid: string) => nodeAdopt(host.context({ ...ADOPT, jobUuid }, { storage, clock }));
  await t.throwsAsync(again('first'), { message: 'the power is gone' });
  left = 100;
  await again('second');
  t.true(read.length <= 10 + 4, 'at most those that were being read were read again');
  t.is(new Set(read).size, 10);
  t.is((await manifestOf(host)).jobUuid, 'second');
  t.like((await manifestOf(host)).files, { length: 10 });
});

for (const framework of [FRAMEWORK, 'dev']) {
  test(`cut short before or after any call to the storage, an adoption from ${framework} goes on and changes nothing foreign`, async (t) => {
    t.timeout(110_000);
    const host = await hostWithForeign(t, { framework });
    const root = join(host.root, 'backup', framework, EXECUTOR_ID);
    const before = treeOf(root);
    let cuts = 0;
    for (let isCut = true; isCut;) {
      // Twice at each call: before it, and when it was carried out.
      isCut = await adopt(host, { jobUuid: 'cut' }, dyingStorage(host.storage, cuts >> 1, cuts % 2 === 1)).then(
        () => false,
        () => true,
      );
      t.like(treeOf(root), before, `cut ${cuts}`);
      t.is((await findBackup(host.storage, 'dev', 'monday')).record, null);
      await commit(host, await adopt(host, { jobUuid: 'again' }));
      t.is((await verifyDeep(host))?.damagedFiles, 0, `cut ${cuts}`);
      t.is((await manifestOf(host)).files.length, 10);
      rmSync(join(host.root, 'backup', 'dev', 'backups'), { recursive: true });
      if (framework === 'dev') {
        for (const name of ['manifest.json', 'schema.cql', 'started.json']) rmSync(own(host, name));
      } else await remove(host, true);
      cuts += Number(isCut);
    }
    t.true(cuts > 40, `only ${cuts} cuts`);
  });
}

test('a name with a record is taken, and so is what a backup of ours has begun', async (t) => {
  const host = await hostWithForeign(t);
  await commit(host, await adopt(host));
  const before = treeOf(own(host));
  await t.throwsAsync(adopt(host, { jobUuid: 'another' }), {
    code: 'NAME_TAKEN',
    message: /dev\/backups\/monday\.json is there/,
  });
  t.deepEqual(treeOf(own(host)), before);

  const begun = { backupName: 'tuesday', jobUuid: 'a backup' };
  await nodeBackup(host.context(begun));
  for (const adoptFrom of ['dev', FRAMEWORK]) {
    storeForeign(host, [host.node.write('shop', 'users', adoptFrom)], { name: 'tuesday' });
    await t.throwsAsync(adopt(host, { ...begun, adoptFrom }), {
      code: 'NAME_TAKEN',
      message: /a backup has begun there/,
    });
  }
});

test('a backup does not go on in what an adoption has begun', async (t) => {
  const host = await hostWithForeign(t);
  await adopt(host);
  await t.throwsAsync(nodeBackup(host.context({ jobUuid: ADOPT.jobUuid })), {
    code: 'NAME_TAKEN',
    message: /adoption/,
  });
});

test('what was not adopted yet is only deleted where that is said, and what an adoption has linked goes at once', async (t) => {
  const inPlace = await hostWithForeign(t, { framework: 'dev' });
  await t.throwsAsync(remove(inPlace), { code: 'BACKUP_NEEDED', message: /made by another program/ });
  await adopt(inPlace);
  await t.throwsAsync(remove(inPlace), { code: 'BACKUP_NEEDED' }, 'begun and not at its end');
  t.true(existsSync(join(inPlace.folder, 'nb-1-big-Data.db')));
  await remove(inPlace, true);
  t.false(existsSync(own(inPlace)));

  const linked = await hostWithForeign(t);
  await adopt(linked);
  await remove(linked);
  t.false(existsSync(own(linked)));
  t.true(existsSync(join(linked.folder, 'nb-1-big-Data.db')));
});
