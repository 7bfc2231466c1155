import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import type { Storage } from '../../src/storage/storage.ts';
import {
  compact,
  COMPONENTS,
  contentsOf,
  DATA,
  hostWithData,
  increment,
  inodeOf,
  linksOf,
  liveFiles,
  recreate,
  restore,
  rewrite,
  stored,
} from './increments.ts';

test('a component that Cassandra wrote anew under its name is sent, and the earlier backup keeps its own', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  const statistics = host.data.replace('Data.db', 'Statistics.db');
  rewrite(statistics, readFileSync(statistics, 'utf8').toUpperCase());
  t.is((await increment(host, 'b2')).filesSent, 1);
  const path = 'shop/users/nb-1-big-Statistics.db';
  t.is((await contentsOf(host, 'b1'))[path], 'statistics of ada');
  t.is((await contentsOf(host, 'b2'))[path], 'STATISTICS OF ADA');
});

test('after a compaction the new SSTable is sent, and what it replaced stays in the earlier backup', async (t) => {
  const host = await hostWithData(t);
  host.node.write('shop', 'users', 'bob');
  await increment(host, 'b1');
  compact(host, 'shop', 'users');
  const { files, filesSent } = await increment(host, 'b2');
  // Its TOC.txt is that of every other SSTable.
  t.deepEqual([files.length, filesSent], [COMPONENTS, COMPONENTS - 1]);
  t.is((await contentsOf(host, 'b2'))['shop/users/nb-3-big-Data.db'], 'ada+bob');
  t.is((await contentsOf(host, 'b1'))['shop/users/nb-2-big-Data.db'], 'bob');
});

test('a table that was dropped and made again has its own content', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  recreate(host, 'shop', 'users');
  host.node.write('shop', 'users', 'eve');
  await increment(host, 'b2');
  t.deepEqual(
    Object.values(await contentsOf(host, 'b2')).filter((text) => text === 'eve' || text === 'ada'),
    ['eve'],
  );
  t.true(Object.values(await contentsOf(host, 'b1')).includes('ada'));
  const cache = readFileSync(join(host.root, 'digests', 'sstables.json'), 'utf8');
  t.is(cache.match(/shop\/users-/g)?.length, 1, 'the dropped table is forgotten');
});

test('a storage that cannot link gets everything again', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  const linkless: Storage = new Proxy(host.storage, {
    get: (storage, name) => {
      if (name === 'link') return () => Promise.resolve('NONE');
      const value: unknown = Reflect.get(storage, name, storage);
      return typeof value === 'function' ? value.bind(storage) : value;
    },
  });
  host.storage = linkless;
  t.is((await increment(host, 'b2')).filesSent, COMPONENTS);
  t.is((await contentsOf(host, 'b2'))[DATA], 'ada');
});

test('any backup can be deleted without harm to the others', async (t) => {
  const host = await hostWithData(t);
  for (const name of ['b1', 'b2', 'b3', 'b4']) await increment(host, name);
  t.is(linksOf(stored(host, 'b4', DATA)), 4);
  const whole = await contentsOf(host, 'b3');
  for (const name of ['b2', 'b1', 'b4']) {
    rmSync(stored(host, name, '.'), { recursive: true });
    t.deepEqual(await contentsOf(host, 'b3'), whole);
  }
  t.is(linksOf(stored(host, 'b3', DATA)), 1);
});

test('an attempt that goes on counts what the one before has sent and linked', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  host.node.write('shop', 'users', 'bob');
  host.node.createTable('zoo', 'animals');
  host.node.write('zoo', 'animals', 'cat');
  const broken = host.context({ backupName: 'b2', jobUuid: 'job-b2' });
  let failing = true;
  host.node.before = (operation, [, keyspace]) => {
    if (failing && operation === 'takeSnapshot' && keyspace === 'zoo')
      throw new OperatorError('SNAPSHOT_FAILED', 'not now');
  };
  await t.throwsAsync(nodeBackup(broken), { code: 'SNAPSHOT_FAILED' });
  failing = false;
  const context = host.context({ backupName: 'b2', jobUuid: 'job-b2', attempt: 2 });
  await nodeBackup(context);
  const { report } = context.reporter;
  t.is(report.manifest?.files, 3 * COMPONENTS);
  t.is(report.manifest?.filesSent, report.filesSent);
  t.is(report.filesSent, report.keyspaces['shop']!.filesSent! + report.keyspaces['zoo']!.filesSent!);
  t.is(report.keyspaces['shop']!.filesSent, COMPONENTS - 1);
});

test('five generations with new, rewritten, compacted and dropped SSTables are each restored byte for byte', async (t) => {
  const host = await hostWithData(t);
  const { node } = host;
  const generations: { name: string; rows: string[] }[] = [];
  for (const [generation, change] of [
    () => undefined,
    () => node.write('shop', 'users', 'bob'),
    () => compact(host, 'shop', 'users'),
    () => liveFiles(host, 'Statistics.db').forEach((path) => rewrite(path, 'newer statistics')),
    () => node.write('shop', 'users', 'eve'),
  ].entries()) {
    change();
    const name = `b${generation}`;
    const { record } = await increment(host, name);
    t.is(
      record.nodes[0]?.bytes,
      Object.values(await contentsOf(host, name)).reduce((sum, text) => sum + text.length, 0),
    );
    generations.push({ name, rows: node.rows('shop', 'users') });
  }
  const before = Object.fromEntries(
    await Promise.all(generations.map(async ({ name }) => [name, await contentsOf(host, name)] as const)),
  );
  for (const { name, rows } of [...generations].reverse()) {
    await restore(host, name);
    t.deepEqual(node.rows('shop', 'users'), rows, name);
    const kept = generations.flatMap((each) =>
      Object.keys(before[each.name] ?? {}).map((path) => stored(host, each.name, path)),
    );
    const own = new Set(kept.map(inodeOf));
    t.true(
      liveFiles(host).every((path) => !own.has(inodeOf(path))),
      'Cassandra and the backup share no file',
    );
  }
  // Cassandra may write what it likes now.
  for (const path of liveFiles(host)) writeFileSync(path, 'spoilt');
  for (const { name } of generations) t.deepEqual(await contentsOf(host, name), before[name], name);
});
