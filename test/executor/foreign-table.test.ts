import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nodeCheck } from '../../src/executor/node-check.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { FRAMEWORK, storeForeign, treeOf } from '../helpers/foreign-tree.ts';
import { EXECUTOR_ID, manifestOf } from '../helpers/step-context.ts';
import { adopt, commit, hostWithForeign, own } from './adoption.ts';

/** What is done to a table's folder, and what is said of it. */
const FAULTS: Record<string, [spoil: (folder: string) => void, code: string, message: RegExp]> = {
  'Data.db has another byte': [
    (folder) => writeFileSync(join(folder, 'nb-1-big-Data.db'), 'aba'),
    'SSTABLE_CORRUPT',
    /nb-1-big-Data\.db is corrupt: Cassandra wrote it with the CRC-32/,
  ],
  'its checksum is no number': [
    (folder) => writeFileSync(join(folder, 'nb-1-big-Digest.crc32'), 'x'),
    'SSTABLE_CORRUPT',
    /expected a CRC-32/,
  ],
  'a component of its TOC.txt is missing': [
    (folder) => writeFileSync(join(folder, 'nb-1-big-TOC.txt'), 'Data.db\nIndex.db\nStatistics.db\nCompressionInfo.db'),
    'BACKUP_DAMAGED',
    /SSTable nb-1-big lacks CompressionInfo\.db/,
  ],
  'its TOC.txt is missing': [
    (folder) => rmSync(join(folder, 'nb-1-big-TOC.txt')),
    'BACKUP_DAMAGED',
    /SSTable nb-1-big lacks TOC\.txt/,
  ],
  'its index is missing': [
    (folder) => rmSync(join(folder, 'nb-1-big-Index.db')),
    'BACKUP_DAMAGED',
    /SSTable nb-1-big lacks Index\.db/,
  ],
  'its Data.db is missing': [
    (folder) => rmSync(join(folder, 'nb-1-big-Data.db')),
    'BACKUP_DAMAGED',
    /SSTable nb-1-big lacks Data\.db/,
  ],
  'an SSTable of its snapshot is missing': [
    (folder) => writeFileSync(join(folder, 'manifest.json'), '{"files":["nb-1-big-Data.db","nb-9-big-Data.db"]}'),
    'BACKUP_DAMAGED',
    /nb-9-big-Data\.db of its manifest\.json is missing/,
  ],
  'its folder is empty': [
    (folder) => readdirSync(folder).forEach((name) => rmSync(join(folder, name))),
    'BACKUP_DAMAGED',
    /it holds no SSTable/,
  ],
};

for (const [fault, [spoil, code, message]] of Object.entries(FAULTS)) {
  test(`a table is told and not adopted when ${fault}; the others are`, async (t) => {
    const host = await hostWithForeign(t);
    host.node.createTable('shop', 'orders');
    const orders = storeForeign(host, [host.node.write('shop', 'orders', 'tea')], { listed: true });
    spoil(host.folder);
    const before = treeOf(join(host.root, 'backup', FRAMEWORK));
    const context = await adopt(host);
    t.like(context.reporter.report.keyspaces['shop'], { status: 'FAILURE' });
    t.regex(context.reporter.report.keyspaces['shop']?.tables['users']?.error ?? '', message);
    t.like(context.reporter.report.errors, [{ code, keyspace: 'shop', table: 'users' }]);
    t.is(context.reporter.report.errors.length, 1);
    t.deepEqual(
      (await manifestOf(host)).tables.map(({ table }) => table),
      ['orders'],
    );
    t.deepEqual(readdirSync(own(host, 'shop')), ['orders']);
    t.true(existsSync(orders));
    t.deepEqual(treeOf(join(host.root, 'backup', FRAMEWORK)), before);

    await commit(host, context, [{ executorId: EXECUTOR_ID, keyspace: 'shop', table: 'users', reason: 'bad' }]);
    const check = (change: Partial<StepRequest>) =>
      nodeCheck(host.context({ type: 'RESTORE', phase: 'check', ...change }));
    for (const change of [
      {},
      { keyspaces: ['shop'] },
      { tables: ['shop.users'] },
      { tables: ['shop.users', 'shop.orders'] },
    ]) {
      await t.throwsAsync(check(change), { code: 'BACKUP_INCOMPLETE', message: /shop\.users of / });
    }
    await t.notThrowsAsync(check({ tables: ['shop.orders'] }));
  });
}

test('a view is not adopted without its base table, nor that without its view', async (t) => {
  const host = await hostWithForeign(t);
  const { node } = host;
  node.createTable('shop', 'users_by_city', 'users');
  node.createTable('shop', 'orders');
  const view = storeForeign(host, [node.write('shop', 'users_by_city', 'view of ada')]);
  storeForeign(host, [node.write('shop', 'orders', 'tea')]);
  for (const folder of [view, host.folder]) {
    const [data = ''] = readdirSync(folder).filter((name) => name.endsWith('-Data.db'));
    const good = readFileSync(join(folder, data));
    writeFileSync(join(folder, data), 'spoilt');
    const { reporter } = await adopt(host);
    t.deepEqual(
      reporter.report.errors.map(({ table, code }) => `${table} ${code}`).toSorted(),
      folder === view
        ? ['users BACKUP_DAMAGED', 'users_by_city SSTABLE_CORRUPT']
        : ['users SSTABLE_CORRUPT', 'users_by_city BACKUP_DAMAGED'],
    );
    t.deepEqual(
      (await manifestOf(host)).tables.map(({ table }) => table),
      ['orders'],
    );
    t.deepEqual(readdirSync(own(host, 'shop')), ['orders']);
    writeFileSync(join(folder, data), good);
  }
  await adopt(host);
  t.is((await manifestOf(host)).tables.length, 3);
});

test('a table that went bad between two attempts is not what the first one found', async (t) => {
  const host = await hostWithForeign(t);
  host.node.createTable('crm', 'notes');
  const notes = storeForeign(host, [host.node.write('crm', 'notes', 'hello')]);
  rmSync(join(notes, 'nb-3-big-TOC.txt'));
  host.node.createTable('crm', 'calls');
  const calls = storeForeign(host, [host.node.write('crm', 'calls', 'ring')]);
  await adopt(host);
  t.deepEqual((await manifestOf(host)).keyspaces, ['crm', 'shop']);
  rmSync(join(calls, 'nb-4-big-Index.db'));
  const { reporter } = await adopt(host, { jobUuid: 'again' });
  t.deepEqual((await manifestOf(host)).keyspaces, ['shop']);
  t.true((await manifestOf(host)).files.every(({ path }) => path.startsWith('shop/')));
  t.is(reporter.report.errors.length, 2);
});
