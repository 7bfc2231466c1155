import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { listForeignBackups } from '../../src/storage/foreign-backups.ts';
import { listBackups } from '../../src/storage/read-backups.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryDirectory } from './contract.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

const node = (number: number): string => `cassandra.dev.node.${number}.executor`;

async function storageWith(t: ExecutionContext, ...keys: string[]): Promise<Storage> {
  const storage = await openFileStorage(join(await temporaryDirectory(t), 'root'), pool, true);
  for (const key of keys) await storage.putDocument(key, '{}');
  return storage;
}

test('a tree of the forerunner is listed with its nodes, keyspaces and SSTable versions', async (t) => {
  const storage = await storageWith(
    t,
    `cassandra.dev/${node(0)}/monday/shop/users/nb-1-big-Data.db`,
    `cassandra.dev/${node(0)}/monday/shop/users/manifest.json`,
    `cassandra.dev/${node(1)}/monday/crm/notes-${'0a'.repeat(16)}/da-3g8a_0ygf_4a9yo2klyu0ym7l0vp-bti-Data.db`,
  );
  t.deepEqual(await listForeignBackups(storage, 'dev'), [
    {
      madeBy: 'cassandra-mesos',
      framework: 'cassandra.dev',
      name: 'monday',
      nodes: [node(0), node(1)],
      keyspaces: ['crm', 'shop'],
      sstableVersions: ['da', 'nb'],
      message: null,
    },
  ]);
});

test('what the Cassandra of the forerunner wrote is listed with what to do before it can be adopted', async (t) => {
  const storage = await storageWith(t, `cassandra/${node(0)}/b/shop/users/shop-users-ka-7-Data.db`);
  const [backup] = await listForeignBackups(storage, 'dev');
  t.like(backup, { framework: 'cassandra', sstableVersions: ['ka'] });
  t.regex(backup?.message ?? '', /version ka \(Cassandra 2\.1\) cannot be read.*3\.11.*upgradesstables/);
});

test('a name that is no name of ours is listed with that', async (t) => {
  const storage = await storageWith(t, `fw/${node(0)}/last week/shop/users/nb-1-big-Data.db`);
  t.regex((await listForeignBackups(storage, 'dev'))[0]?.message ?? '', /rename its folders/);
});

test('neither what we made nor the folders of other clusters with records are listed', async (t) => {
  const storage = await storageWith(
    t,
    'dev/backups/whole.json',
    `dev/${node(0)}/whole/shop/users/nb-1-big-Data.db`,
    `dev/${node(0)}/cut/shop/users/nb-1-big-Data.db`,
    `dev/${node(0)}/cut/started.json`,
    'other/backups/monday.json',
    `other/${node(0)}/tuesday/shop/users/nb-1-big-Data.db`,
    `fw/${node(0)}/copied/manifest.json`,
    `fw/${node(0)}/copied/shop/users/nb-1-big-Data.db`,
    'fw/lost+found/x/shop/users/nb-1-big-Data.db',
    `fw/${node(0)}/notes/readme/or/not.txt`,
  );
  t.deepEqual(await listForeignBackups(storage, 'dev'), []);
});

test('in the folder of the cluster itself a foreign tree is an incomplete backup that can be adopted', async (t) => {
  const storage = await storageWith(
    t,
    'dev/backups/whole.json',
    `dev/${node(0)}/foreign/shop/users/nb-1-big-Data.db`,
    `dev/${node(0)}/ours/started.json`,
    `dev/${node(0)}/ours/shop/users/nb-1-big-Data.db`,
  );
  t.like(await listForeignBackups(storage, 'dev'), [{ framework: 'dev', name: 'foreign', nodes: [node(0)] }]);
  const listed = await listBackups(storage, 'dev', new Map());
  const messages = new Map(listed.map(({ name, state, message }) => [name, `${state}: ${message}`]));
  t.regex(messages.get('foreign') ?? '', /^INCOMPLETE: .*another program made it, and it can be adopted/);
  t.notRegex(messages.get('ours') ?? '', /another program/);
  t.regex((await findBackup(storage, 'dev', 'foreign')).message ?? '', /another program made it/);
  t.notRegex((await findBackup(storage, 'dev', 'ours')).message ?? '', /another program/);
});

test('an adoption that was cut short is listed where its files come from, and said to go on', async (t) => {
  const storage = await storageWith(
    t,
    `cassandra.dev/${node(0)}/monday/shop/users/nb-1-big-Data.db`,
    `dev/${node(0)}/monday/shop/users/nb-1-big-Data.db`,
  );
  await storage.putDocument(`dev/${node(0)}/monday/started.json`, '{"adoptedFrom":"cassandra.dev"}');
  t.like(await listForeignBackups(storage, 'dev'), [{ framework: 'cassandra.dev', name: 'monday' }]);
  const [own] = await listBackups(storage, 'dev', new Map());
  t.regex(own?.message ?? '', /its adoption has begun/);
});

test('a tree of DC/OS is listed with the folders of its nodes', async (t) => {
  const storage = await storageWith(
    t,
    'friday/node-0/schema.cql',
    'friday/node-0/shop/users/mc-1-big-Data.db',
    `friday/node-11/crm/notes-${'0a'.repeat(16)}/md-3-big-Data.db`,
    'photos/node-x/shop/users/mc-1-big-Data.db',
    'empty/node-0/schema.cql',
  );
  const friday = { madeBy: 'dcos-cassandra' as const, framework: 'friday', name: 'friday' };
  t.deepEqual(await listForeignBackups(storage, 'dev'), [
    {
      ...friday,
      nodes: ['node-0', 'node-11'],
      keyspaces: ['crm', 'shop'],
      sstableVersions: ['mc', 'md'],
      message: null,
    },
  ]);
});

const TIME = '20150102030405';
const SNAPSHOTTER = JSON.stringify({ name: TIME, base_path: 'shop', hosts: ['h1'], keyspaces: null, table: '' });

test('trees of cassandra_snapshotter are listed, in the location and in a folder of it, once their manifest is there', async (t) => {
  const file = (host: string): string =>
    `${host}/var/lib/cassandra/data/shop/users/snapshots/${TIME}/mc-1-big-Data.db.lzo`;
  const storage = await storageWith(
    t,
    `${TIME}/${file('10.0.0.1')}`,
    `base/${TIME}/${file('h1')}`,
    `cut/${TIME}/${file('h1')}`,
  );
  await storage.putDocument(`${TIME}/manifest.json`, SNAPSHOTTER);
  await storage.putDocument(`base/${TIME}/manifest.json`, SNAPSHOTTER);
  await storage.putDocument(`base/${TIME}/ring`, '');
  const found = { madeBy: 'cassandra_snapshotter' as const, name: TIME, keyspaces: ['shop'], sstableVersions: ['mc'] };
  t.deepEqual(await listForeignBackups(storage, 'dev'), [
    { ...found, framework: TIME, nodes: ['10.0.0.1'], message: null },
    { ...found, framework: `base/${TIME}`, nodes: ['h1'], message: null },
  ]);
});

test('a tree of DC/OS whose name is none of ours is listed with how it gets another', async (t) => {
  const storage = await storageWith(
    t,
    'last week/node-0/shop/users/mc-1-big-Data.db',
    'old/node-0/shop/users/ka-1-big-Data.db',
  );
  const [nameless, old] = await listForeignBackups(storage, 'dev');
  t.regex(nameless?.message ?? '', /adopt it under another one, with from=last week$/);
  t.regex(old?.message ?? '', /version ka .* cannot be read/);
});
