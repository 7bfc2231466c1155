import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { EXECUTOR_ID, makeHost, manifestOf, type Host } from '../helpers/step-context.ts';

async function keys({ storage }: Host): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list('')) found.push(key.replace(`dev/${EXECUTOR_ID}/`, ''));
  return found.sort();
}

test('a backup stores every component of every user keyspace, its indexes, the DDL and a manifest', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada', { index: 'users_by_name' });
  host.node.createTable('empty', 'nothing');
  host.node.createTable('system_auth', 'roles');
  host.node.write('system_auth', 'roles', 'root');
  const context = host.context();
  await nodeBackup(context);

  t.deepEqual(await keys(host), [
    'monday/manifest.json',
    'monday/schema.cql',
    'monday/shop/users/.users_by_name/nb-1-big-Data.db',
    'monday/shop/users/nb-1-big-Data.db',
    'monday/shop/users/nb-1-big-Digest.crc32',
    'monday/shop/users/nb-1-big-Statistics.db',
    'monday/shop/users/nb-1-big-TOC.txt',
    'monday/started.json',
  ]);
  const manifest = await manifestOf(host);
  t.deepEqual(manifest.keyspaces, ['shop', 'empty']);
  t.is(manifest.files.length, 5);
  t.deepEqual(manifest.tokens, ['-100', '200']);
  t.regex(
    readFileSync(join(host.root, 'backup', 'dev', EXECUTOR_ID, 'monday', 'schema.cql'), 'utf8'),
    /CREATE TABLE shop\.users;\n/,
  );

  const { report } = context.reporter;
  t.is(report.keyspaces['shop']?.status, 'SUCCESS');
  t.is(report.keyspaces['empty']?.status, 'SUCCESS');
  t.deepEqual(report.remainingKeyspaces, []);
  t.is(report.bytesDone, report.bytesTotal ?? -1);
  t.deepEqual([report.filesDone, report.filesTotal], [5, 5]);
  t.is(report.manifest?.files, 5);
  t.deepEqual(report.errors, []);
  t.deepEqual(host.node.snapshots(), []);
});

test('system_auth is backed up when it is asked for by name', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.createTable('system_auth', 'roles');
  host.node.write('system_auth', 'roles', 'root');
  await nodeBackup(host.context({ keyspaces: ['system_auth'] }));
  t.deepEqual((await manifestOf(host)).keyspaces, ['system_auth']);
});

test('SSTables of all data directories are stored with the directory that they came from', async (t) => {
  const host = await makeHost(t, 2);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada', { dataDirectory: 0 });
  host.node.write('shop', 'users', 'bob', { dataDirectory: 1 });
  await nodeBackup(host.context());
  const { files } = await manifestOf(host);
  t.deepEqual(
    files.filter(({ path }) => path.endsWith('-Data.db')).map(({ dataDirectory }) => dataDirectory),
    [0, 1],
  );
});

test('a keyspace that does not exist fails by name, and the others are backed up', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  const context = host.context({ keyspaces: ['shop', 'nowhere'] });
  await nodeBackup(context);
  const { keyspaces, errors } = context.reporter.report;
  t.is(keyspaces['shop']?.status, 'SUCCESS');
  t.is(keyspaces['nowhere']?.status, 'FAILURE');
  t.is(keyspaces['nowhere']?.error, 'no such keyspace: nowhere');
  t.like(errors[0], { executorId: EXECUTOR_ID, keyspace: 'nowhere', code: 'NOT_FOUND' });
  t.deepEqual((await manifestOf(host)).keyspaces, ['shop']);
});

test('an SSTable that is not what Cassandra wrote fails its keyspace with its path, and only that keyspace', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('good', 'g');
  host.node.createTable('bad', 'b');
  host.node.write('good', 'g', 'ada');
  const data = host.node.write('bad', 'b', 'bob');
  writeFileSync(data, 'bop');
  const context = host.context();
  await nodeBackup(context);
  const { keyspaces, errors } = context.reporter.report;
  t.is(keyspaces['good']?.status, 'SUCCESS');
  t.is(keyspaces['bad']?.status, 'FAILURE');
  t.like(errors[0], { keyspace: 'bad', table: 'b', code: 'SSTABLE_CORRUPT' });
  t.regex(errors[0]?.message ?? '', /nb-2-big-Data\.db is corrupt/);
  t.deepEqual((await manifestOf(host)).keyspaces, ['good']);
  t.deepEqual(host.node.snapshots(), []);
});

test('a backup of which nothing is good has no manifest and fails', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('bad', 'b');
  writeFileSync(host.node.write('bad', 'b', 'bob'), 'bop');
  const context = host.context();
  await t.throwsAsync(nodeBackup(context), { code: 'SSTABLE_CORRUPT' });
  t.is(context.reporter.report.manifest, null);
  t.false((await keys(host)).includes('monday/manifest.json'));
});

test('an SSTable without a digest is stored', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const data = host.node.write('shop', 'users', 'ada');
  rmSync(data.replace('Data.db', 'Digest.crc32'));
  await nodeBackup(host.context());
  t.is((await manifestOf(host)).files.length, 3);
});

test('a snapshot that lacks an SSTable of its own list is not taken for a backup', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const { node } = host;
  node.write('shop', 'users', 'ada');
  const take = node.takeSnapshot.bind(node);
  node.takeSnapshot = async (tag, keyspace, signal) => {
    await take(tag, keyspace, signal);
    const { id } = node.schemaNow.tables[0] ?? { id: '' };
    const directory = join(node.dataDirectories[0] ?? '', 'shop', `users-${id.replaceAll('-', '')}`);
    rmSync(join(directory, 'snapshots', tag, 'nb-1-big-Data.db'));
  };
  const context = host.context();
  await t.throwsAsync(nodeBackup(context), { code: 'SNAPSHOT_FAILED', message: /nb-1-big-Data\.db/ });
  t.deepEqual(node.snapshots(), []);
});

test('a snapshot that cannot be cleared is an error of a backup that is good otherwise', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  host.node.before = (operation) => {
    if (operation === 'clearSnapshot') throw new OperatorError('CASSANDRA_ERROR', 'no');
  };
  const context = host.context();
  await nodeBackup(context);
  const { keyspaces, errors, manifest } = context.reporter.report;
  t.is(keyspaces['shop']?.status, 'SUCCESS');
  t.not(manifest, null);
  t.regex(errors[0]?.message ?? '', /clear snapshot cassandra-mesos-monday-job-1 of shop: no/);
});

test('snapshots that other jobs left are swept, those of others are not touched', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await host.node.takeSnapshot('cassandra-mesos-old-job-0', 'shop');
  await host.node.takeSnapshot('by-hand', 'shop');
  await nodeBackup(host.context());
  t.deepEqual(host.node.snapshots(), ['by-hand']);
});

test('a name that another job has begun is taken', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  await nodeBackup(host.context());
  const context = host.context({ jobUuid: 'job-2' });
  await t.throwsAsync(nodeBackup(context), { code: 'NAME_TAKEN', message: /job-1/ });
});

test('a folder with files of unknown origin is taken', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  await host.storage.putDocument(`dev/${EXECUTOR_ID}/monday/manifest.json`, '{}');
  await t.throwsAsync(nodeBackup(host.context()), { code: 'NAME_TAKEN', message: /manifest\.json is there/ });
});

test('a Cassandra that goes in the middle ends the step, and the next attempt goes on with what is left', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['one', 'two', 'three']) {
    host.node.createTable(keyspace, 't');
    host.node.write(keyspace, 't', keyspace);
  }
  const gone = new AbortController();
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'two')
      gone.abort(new OperatorError('CASSANDRA_UNAVAILABLE', 'Cassandra exited with code 137'));
  };
  const first = host.context({}, { signal: gone.signal });
  await t.throwsAsync(nodeBackup(first), { code: 'CASSANDRA_UNAVAILABLE' });
  t.is(first.reporter.report.keyspaces['one']?.status, 'SUCCESS');
  t.is(first.reporter.report.keyspaces['two']?.status, 'FAILURE');
  t.deepEqual(first.reporter.report.remainingKeyspaces, ['three']);

  host.node.before = () => undefined;
  host.node.calls.length = 0;
  const second = host.context({ attempt: 2 });
  await nodeBackup(second);
  t.false(host.node.calls.some((call) => call.startsWith('takeSnapshot') && call.endsWith('one')));
  t.deepEqual((await manifestOf(host)).keyspaces, ['one', 'two', 'three']);
  t.deepEqual(Object.keys(second.reporter.report.keyspaces).sort(), ['one', 'three', 'two']);
  t.is(second.reporter.report.bytesDone, second.reporter.report.bytesTotal ?? -1);
});

test('a step that is killed while it copies clears its snapshot', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  for (let index = 0; index < 10; index += 1) host.node.write('shop', 'users', `row ${index}`);
  const kill = new AbortController();
  const putFile = host.storage.putFile.bind(host.storage);
  let stored = 0;
  host.storage.putFile = async (...args) => {
    const result = await putFile(...args);
    if (++stored === 7) kill.abort(new OperatorError('ABORTED', 'killed'));
    return result;
  };
  const context = host.context({}, { signal: kill.signal });
  await t.throwsAsync(nodeBackup(context), { code: 'ABORTED' });
  t.true(stored < 40);
  t.deepEqual(host.node.snapshots(), []);
  t.is(context.reporter.report.manifest, null);
});

test('a full location ends the step at once and names what was not done', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['one', 'two']) {
    host.node.createTable(keyspace, 't');
    host.node.write(keyspace, 't', keyspace);
  }
  host.storage.putFile = () => Promise.reject(new OperatorError('NO_SPACE', 'storing x: no space left'));
  const context = host.context();
  await t.throwsAsync(nodeBackup(context), { code: 'NO_SPACE' });
  t.deepEqual(context.reporter.report.remainingKeyspaces, ['two']);
  t.deepEqual(host.node.snapshots(), []);
});

test('a keyspace that Cassandra refuses to snapshot is tried again, and left out by the last attempt', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['one', 'two']) {
    host.node.createTable(keyspace, 't');
    host.node.write(keyspace, 't', keyspace);
  }
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'one') throw new OperatorError('SNAPSHOT_FAILED', 'no');
  };
  await t.throwsAsync(nodeBackup(host.context({ attempt: 1 })), { code: 'SNAPSHOT_FAILED' });
  await t.throwsAsync(nodeBackup(host.context({ attempt: 2 })), { code: 'SNAPSHOT_FAILED' });
  const last = host.context({ attempt: 3 });
  await nodeBackup(last);
  t.is(last.reporter.report.keyspaces['one']?.status, 'FAILURE');
  t.deepEqual((await manifestOf(host)).keyspaces, ['two']);
});

test('a node without keyspaces has nothing to back up', async (t) => {
  const host = await makeHost(t);
  await t.throwsAsync(nodeBackup(host.context()), { code: 'NOTHING_TO_BACK_UP' });
});
