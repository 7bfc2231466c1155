import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { nodeDelete } from '../../src/executor/node-delete.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { treeOf } from '../helpers/foreign-tree.ts';
import { lzop } from '../helpers/lzop.ts';
import { putTree } from '../helpers/put-tree.ts';
import { endSnapshotter, moveBelow, storeSnapshotter, TIME } from '../helpers/snapshotter-tree.ts';
import { backUp, EXECUTOR_ID, makeHost, manifestOf, type Host } from '../helpers/step-context.ts';
import { listed } from '../storage/listed.ts';
import { KEY, startVersitygw, VERSITYGW, type S3Server } from '../storage/versitygw.ts';
import { adopt, commit, verifyDeep } from './adoption.ts';
import { restore } from './increments.ts';

const test = anyTest;
const onObjects = VERSITYGW === null ? anyTest.skip : anyTest;

let server: S3Server;
const directory = mkdtempSync(join(tmpdir(), 'snapshotter-'));

test.before(async () => {
  if (VERSITYGW !== null) server = await startVersitygw(directory);
});

test.after.always(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A host with shop.users: a snapshot with ada and bob, and cy, who came later. */
async function hostWithSnapshot(t: ExecutionContext, ring?: Record<string, string[]>): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const [ada = '', bob = '', cy = ''] = ['ada', 'bob', 'cy'].map((rows) => host.node.write('shop', 'users', rows));
  storeSnapshotter(host, [ada, bob], { ids: ['1', '2'], listed: true });
  storeSnapshotter(host, [cy], { ids: ['3'], later: true });
  endSnapshotter(host, ring);
  return host;
}

/** A bucket of its own, opened as a step does. */
function openBucket({ pool, root }: Host): Promise<Storage> {
  const location = `s3://b-${randomUUID()}?endpoint=${server.endpoint}&region=us-east-1&credentials=env:S3_&createBucket=true`;
  const env = { S3_ACCESS_KEY_ID: KEY.id, S3_SECRET_ACCESS_KEY: KEY.secret };
  return openStorage(location, { pool, env, baseDirectory: root, create: true });
}

const NAMED = { backupName: TIME };
const rows = (host: Host) => host.node.rows('shop', 'users').toSorted();
const tree = (host: Host) => treeOf(join(host.root, 'backup', TIME));
const inSnapshot = (host: Host, name: string): string => {
  const table = `users-${host.node.schemaNow.tables[0]?.id.replaceAll('-', '')}`;
  return join(host.root, 'backup', TIME, '127.0.0.1/var/lib/cassandra/data/shop', table, 'snapshots', TIME, name);
};

test('a snapshot and what came after it is adopted as one backup, verified and restored decompressed', async (t) => {
  const host = await hostWithSnapshot(t);
  const before = tree(host);
  const context = await adopt(host, NAMED);
  await commit(host, context);
  t.deepEqual(tree(host), before);

  const { files, adoptedFrom } = await manifestOf(host, TIME);
  t.is(adoptedFrom, TIME);
  t.is(files.length, 15);
  const data = files.find(({ path }) => path === 'shop/users/nb-3-big-Data.db');
  t.is(data?.size, 2);
  t.deepEqual(data?.encoding, { stored: lzop('cy').length, compression: 'lzop' });
  t.is(
    statSync(join(host.root, 'backup/dev', EXECUTOR_ID, TIME, 'shop/users/nb-3-big-Data.db')).size,
    lzop('cy').length,
  );
  t.like(await verifyDeep(host, TIME), { damagedFiles: 0, extraFiles: 0 });
  host.node.write('shop', 'users', 'written later');
  await restore(host, TIME);
  t.deepEqual(rows(host), ['ada', 'bob', 'cy']);
  const { bytesDone, bytesTotal } = context.reporter.report;
  t.is(bytesDone, bytesTotal ?? 0);
});

onObjects(
  'in an object store the compressed objects are referred to, restored from, and left where they are',
  async (t) => {
    const host = await hostWithSnapshot(t);
    const storage = await openBucket(host);
    moveBelow(host, 'base');
    await putTree(storage, join(host.root, 'backup'));
    const foreign = await listed(storage);
    host.storage = storage;
    await commit(host, await adopt(host, { backupName: 'old', adoptFrom: `base/${TIME}` }));
    t.true((await manifestOf(host, 'old')).files.every(({ source }) => source?.startsWith(`base/${TIME}/127.0.0.1/`)));
    t.like(await verifyDeep(host, 'old'), { damagedFiles: 0, extraFiles: 0 });
    host.node.write('shop', 'users', 'written later');
    await restore(host, 'old');
    t.deepEqual(rows(host), ['ada', 'bob', 'cy']);
    await nodeDelete(host.context({ type: 'DELETE', phase: 'delete', backupName: 'old', force: true }));
    t.deepEqual(await listed(storage), foreign);
  },
);

test('an own backup that builds upon an adopted one restores what that holds compressed', async (t) => {
  const host = await hostWithSnapshot(t);
  await commit(host, await adopt(host, NAMED));
  await backUp(host, { backupName: 'after' });
  const data = (await manifestOf(host, 'after')).files.filter(({ path }) => path.endsWith('Data.db'));
  t.deepEqual(
    data.map(({ encoding }) => encoding?.compression),
    ['lzop', 'lzop', 'lzop'],
  );
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'after');
  t.deepEqual(rows(host), ['ada', 'bob', 'cy']);
});

test('files that were not compressed are taken as they are', async (t) => {
  const host = await hostWithSnapshot(t);
  const data = inSnapshot(host, 'nb-1-big-Data.db');
  writeFileSync(data, 'ada');
  rmSync(`${data}.lzo`);
  await t.notThrowsAsync(adopt(host, NAMED));
  const { files } = await manifestOf(host, TIME);
  t.is(files.filter(({ encoding }) => encoding === undefined).length, 1);
});

test('a file that lzop has not written to its end, and one that is none of its, cost their table', async (t) => {
  for (const spoil of [
    (path: string) => truncateSync(path, 50),
    (path: string) => writeFileSync(path, 'ada'),
    (path: string) => writeFileSync(path, lzop('eve')),
  ]) {
    const host = await hostWithSnapshot(t);
    spoil(inSnapshot(host, 'nb-1-big-Data.db.lzo'));
    const error = await t.throwsAsync(adopt(host, NAMED));
    t.regex(error?.message ?? '', /nb-1-big-Data\.db\.lzo/);
  }
});

test('an SSTable that the snapshot lists and nobody has uploaded is told', async (t) => {
  const host = await hostWithSnapshot(t);
  rmSync(inSnapshot(host, 'nb-2-big-Data.db.lzo'));
  await t.throwsAsync(adopt(host, NAMED), {
    code: 'BACKUP_DAMAGED',
    message: /nb-2-big-Data\.db of its manifest\.json is missing/,
  });
});

test('an SSTable in snapshot and increments is taken once where it is the same, and refused where it is another', async (t) => {
  const host = await hostWithSnapshot(t);
  const [ada = '', bob = ''] = ['ada', 'bob'].map((content) => host.node.write('shop', 'users', content));
  storeSnapshotter(host, [ada], { ids: ['1'], later: true, dataDirectory: 'disk2' });
  await adopt(host, NAMED);
  t.is((await manifestOf(host, TIME)).files.length, 15);
  storeSnapshotter(host, [bob], { ids: ['1'], later: true, dataDirectory: 'disk3' });
  await t.throwsAsync(adopt(host, { ...NAMED, backupName: 'again', adoptFrom: TIME }), {
    code: 'BACKUP_DAMAGED',
    message: /two SSTables nb-1-big-Data\.db/,
  });
});

test('the folder of the address that had the tokens of this node is its own, and one of other tokens is refused', async (t) => {
  const host = await hostWithSnapshot(t, { '10.9.9.9': ['200', '-100'], '127.0.0.1': ['5'] });
  renameSync(join(host.root, 'backup', TIME, '127.0.0.1'), join(host.root, 'backup', TIME, '10.9.9.9'));
  await adopt(host, NAMED);
  t.is((await manifestOf(host, TIME)).files.length, 15);
  const other = await hostWithSnapshot(t, { '127.0.0.1': ['5'] });
  await t.throwsAsync(adopt(other, NAMED), { code: 'TOPOLOGY_MISMATCH' });
});

test('a snapshot without its manifest was not ended, and is not adopted', async (t) => {
  const host = await hostWithSnapshot(t);
  rmSync(join(host.root, 'backup', TIME, 'manifest.json'));
  await t.throwsAsync(adopt(host, NAMED), { code: 'BACKUP_NOT_FOUND' });
});

test('of a table that the cluster lacks the schema beside the snapshot is named', async (t) => {
  const host = await hostWithSnapshot(t);
  writeFileSync(join(host.root, 'backup', TIME, 'schema_shop.cql'), 'CREATE TABLE shop.users');
  host.node.schemaNow.tables.length = 0;
  await t.throwsAsync(adopt(host, NAMED), { message: new RegExp(`by the statements in ${TIME}/schema_shop.cql`) });
});
