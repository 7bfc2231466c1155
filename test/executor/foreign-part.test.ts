import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { foreignFolder, storeForeign, treeOf } from '../helpers/foreign-tree.ts';
import { runStepAt } from '../helpers/run-step-at.ts';
import { backUp, makeHost, manifestOf } from '../helpers/step-context.ts';
import { adopt, commit, hostWithForeign } from './adoption.ts';
import { restore } from './increments.ts';

const VERSIONS = {
  'shop-users-ka-1-Data.db': /version ka \(Cassandra 2\.1\) cannot be read.*restore them into such a cluster/,
  'la-1-big-Data.db': /version la \(Cassandra 2\.2\)/,
  'pa-1-big-Data.db': /version pa .* cannot be read by the older Cassandra 5\.0\.5: .*\. Upgrade/,
};
for (const [name, message] of Object.entries(VERSIONS)) {
  test(`SSTables such as ${name} are refused before anything is written`, async (t) => {
    const host = await hostWithForeign(t);
    writeFileSync(join(host.folder, name), 'old');
    await t.throwsAsync(adopt(host), { code: 'SCHEMA_MISMATCH', message });
    t.false(existsSync(join(host.root, 'backup', 'dev')));
  });
}

test('a node that has nothing there is told which executors have', async (t) => {
  const host = await hostWithForeign(t, { executorId: 'cassandra.dev.node.7.executor' });
  const error = await t.throwsAsync(adopt(host), { code: 'BACKUP_NOT_FOUND' });
  t.regex(error?.message ?? '', /there is only cassandra\.dev\/cassandra\.dev\.node\.7\.executor/);
  await t.throwsAsync(adopt(host, { adoptFrom: 'elsewhere' }), { code: 'BACKUP_NOT_FOUND', message: /there is none/ });
});

test('a backup of ours in the folder of another cluster is not adopted', async (t) => {
  const host = await hostWithForeign(t);
  await backUp(host, { cluster: 'other', backupName: 'tuesday' });
  await t.throwsAsync(adopt(host, { backupName: 'tuesday', adoptFrom: 'other' }), {
    code: 'BAD_REQUEST',
    message: /cassandra-mesos made it/,
  });
});

test('the folder of the cluster is looked at when there is none of the framework, and one that is named alone', async (t) => {
  const host = await hostWithForeign(t, { framework: 'dev' });
  storeForeign(host, [host.node.write('shop', 'users', 'cy')], { framework: 'moved', name: 'friday' });
  await adopt(host);
  t.is((await manifestOf(host)).adoptedFrom, 'dev');
  await t.throwsAsync(adopt(host, { backupName: 'friday' }), { code: 'BACKUP_NOT_FOUND' });
  await adopt(host, { backupName: 'friday', adoptFrom: 'moved' });
  t.is((await manifestOf(host, 'friday')).adoptedFrom, 'moved');
});

test('system keyspaces are left alone, and a tree of nothing else is refused', async (t) => {
  const host = await hostWithForeign(t);
  const parent = join(foreignFolder(host, 'shop', 'users'), '..', '..');
  renameSync(join(parent, 'shop'), join(parent, 'system_auth'));
  await t.throwsAsync(adopt(host), { code: 'NOTHING_TO_BACK_UP' });
});

test('an adoption makes no location that is not there', async (t) => {
  const host = await makeHost(t);
  const location = join(host.root, 'nowhere');
  const { state, message } = await runStepAt(location, { type: 'ADOPT', phase: 'backup' });
  t.is(state, 'TASK_FAILED');
  t.regex(message, /nowhere/);
  t.false(existsSync(location));
});

/** DC/OS: `<name>/node-<n>/<keyspace>/<table>/`. */
const dcos = (node: string) => ({ framework: 'friday', executorId: node, name: '' });

test('a backup of DC/OS is adopted by its name, each node from the folder with its number', async (t) => {
  const host = await hostWithForeign(t, dcos('node-0'));
  storeForeign(host, [host.node.write('shop', 'users', 'of another node')], dcos('node-1'));
  writeFileSync(join(host.root, 'backup/friday/node-0/schema.cql'), 'CREATE TABLE shop.users');
  const before = treeOf(join(host.root, 'backup/friday'));
  await commit(host, await adopt(host, { backupName: 'friday' }));
  t.deepEqual(treeOf(join(host.root, 'backup/friday')), before);
  t.like(await manifestOf(host, 'friday'), { adoptedFrom: 'friday', files: { length: 10 } });
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'friday');
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
});

test('what `medusa download` brings is adopted as a tree of DC/OS, without a look at its documents', async (t) => {
  const host = await hostWithForeign(t, { ...dcos('node-0'), folder: `users-${'0'.repeat(32)}` });
  for (const document of ['manifest.json', 'schema.cql', 'tokenmap.json']) {
    writeFileSync(join(host.root, 'backup/friday/node-0', document), '[]');
  }
  await commit(host, await adopt(host, { backupName: 'friday' }));
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'friday');
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
});

test('from a folder of DC/OS that is named a backup gets any name, and the map says whose a folder is', async (t) => {
  const host = await hostWithForeign(t, dcos('node-5'));
  const from = { backupName: 'renamed', adoptFrom: 'friday' };
  const error = await t.throwsAsync(adopt(host, from), { code: 'BACKUP_NOT_FOUND' });
  t.regex(error?.message ?? '', /there is only friday\/node-5\..*nodeMap/);
  await adopt(host, { ...from, nodeMap: { 'node-5': 0 } });
  t.is((await manifestOf(host, 'renamed')).files.length, 10);
  const other = { ...from, nodeMap: { 'node-6': 0 } };
  storeForeign(host, [host.node.write('shop', 'users', 'cy')], dcos('node-6'));
  await t.throwsAsync(adopt(host, other), { code: 'NAME_TAKEN', message: /an adoption from friday\/node-5 has begun/ });
});

test('of a table that the cluster lacks it is said where the statements are that make it', async (t) => {
  const host = await hostWithForeign(t, dcos('node-0'));
  writeFileSync(join(host.root, 'backup/friday/node-0/schema.cql'), 'CREATE TABLE shop.users');
  host.node.schemaNow.tables.length = 0;
  await t.throwsAsync(adopt(host, { backupName: 'friday' }), {
    code: 'SCHEMA_MISMATCH',
    message: /create it as it was, by the statements in friday\/node-0\/schema\.cql, then adopt again/,
  });
});

test('a map is refused where the forerunner made the tree: nothing of it would be heeded', async (t) => {
  const host = await hostWithForeign(t);
  await t.throwsAsync(adopt(host, { nodeMap: { 'node-0': 0 } }), { code: 'BAD_REQUEST', message: /no nodeMap/ });
});
