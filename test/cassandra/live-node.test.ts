import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { CassandraProcess } from '../../src/cassandra/process.ts';
import { checkSnapshot, findOwnSnapshots, listSafetySnapshots, scanSnapshot } from '../../src/cassandra/snapshots.ts';
import { systemClock } from '../../src/clock.ts';
import type { OperatorError } from '../../src/errors.ts';
import { groupOf, LiveCassandra } from './live-cassandra.ts';
import { dependencies, smallNode } from './real-cassandra.ts';
import { RICH_OBJECTS, richSchema } from './rich-schema.ts';

// One real Cassandra for all cases; each has keyspaces of its own. Serial: they share the process and its two cores.
const ONE_COPY = `WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`;

let live: LiveCassandra;
const modes: string[] = [];

test.before(async (t) => {
  t.timeout(110_000);
  live = await LiveCassandra.start('127.0.0.21', (mode) => modes.push(mode));
});

test.after.always(async () => await live?.end());

test.serial('a start tells its progress and ends at NORMAL', (t) => {
  t.is(modes[0], 'STARTING');
  t.is(modes.at(-1), 'NORMAL');
});

test.serial('health says who the node is, where it is and whom it sees', async (t) => {
  const health = await live.node.health();
  t.like(health, {
    operationMode: 'NORMAL',
    version: '5.0.5',
    clusterName: 'test-cluster',
    datacenter: 'dc-test',
    rack: 'rack-test',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    liveNodes: ['127.0.0.21'],
    unreachableNodes: [],
    movingNodes: [],
    nativeTransportRunning: true,
  });
  t.regex(health.hostId, /^[0-9a-f-]{36}$/);
  t.is(health.schemaVersion, (await live.node.schema()).version);
  t.is(health.tokens.length, 4);
  t.deepEqual(
    health.tokens,
    health.tokens.toSorted((left, right) => (BigInt(left) < BigInt(right) ? -1 : 1)),
  );
  t.true(health.uptimeMillis > 0);
});

test.serial('the password is in no command line, environment or file that stays', async (t) => {
  const { password } = live.server.endpoint.jolokia;
  t.true(password.length >= 32);
  t.false((await readFile(`/proc/${live.server.pid}/cmdline`, 'utf8')).includes(password));
  t.false((await readFile(`/proc/${live.server.pid}/environ`, 'utf8')).includes(password));
  await t.throwsAsync(access(join(live.server.paths.configuration, 'jolokia.properties')), { code: 'ENOENT' });
});

test.serial('Cassandra gets none of our environment and is in our process group', async (t) => {
  const environment = await readFile(`/proc/${live.server.pid}/environ`, 'utf8');
  const names = environment.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.split('=')[0]]));
  t.deepEqual(names, ['PATH', 'LANG', 'HOME', 'MALLOC_ARENA_MAX']);
  t.is(await groupOf(live.server.pid), await groupOf(process.pid));
});

test.serial('a second start on the same data is refused while the first runs', async (t) => {
  const again = await smallNode(live.directory, '127.0.0.21');
  const error = await t.throwsAsync<OperatorError>(CassandraProcess.start(again, dependencies(live.directory)));
  t.is(error.code, 'CASSANDRA_ERROR');
  t.true(error.message.includes(`in use by process ${live.server.pid}`), error.message);
  t.is((await live.node.health()).operationMode, 'NORMAL');
});

test.serial('a snapshot holds every table, view and index of the keyspace, whatever their names', async (t) => {
  await live.make(`CREATE KEYSPACE "Mixed" ${ONE_COPY}`);
  await live.make(`CREATE TYPE "Mixed".address (street text, number int)`);
  await live.make(`CREATE TABLE "Mixed"."Users" (id int PRIMARY KEY, "Name" text, age int, home frozen<address>)`);
  await live.make(`CREATE INDEX users_by_age ON "Mixed"."Users" (age)`);
  await live.make(
    `CREATE MATERIALIZED VIEW "Mixed".by_name AS SELECT * FROM "Mixed"."Users"
     WHERE "Name" IS NOT NULL AND id IS NOT NULL PRIMARY KEY ("Name", id)`,
  );
  await live.make(`CREATE TABLE "Mixed".nothing_yet (id int PRIMARY KEY)`);
  await live.make(
    `INSERT INTO "Mixed"."Users" (id, "Name", age, home) VALUES (1, 'Ada', 36, {street: 'S', number: 7})`,
  );

  await live.node.takeSnapshot('cassandra-mesos-mixed', 'Mixed');

  const scan = await scanSnapshot(live.server.paths.data, 'Mixed', 'cassandra-mesos-mixed');
  t.notThrows(async () => checkSnapshot(scan, await live.tablesOf('Mixed')));
  const foldersWithData = scan.flatMap(({ table, files }) =>
    files.flatMap(({ path }) => (path.endsWith('Data.db') ? [join(table, dirname(path))] : [])),
  );
  t.deepEqual(distinct(foldersWithData), ['Users', 'Users/.users_by_age', 'by_name']);
  t.true(scan.some(({ table }) => table === 'nothing_yet'));
});

test.serial('an empty keyspace can be snapshotted and has nothing', async (t) => {
  await live.make(`CREATE KEYSPACE empty_one ${ONE_COPY}`);
  await live.node.takeSnapshot('cassandra-mesos-empty', 'empty_one');
  t.deepEqual(await scanSnapshot(live.server.paths.data, 'empty_one', 'cassandra-mesos-empty'), []);
});

test.serial('a table that was dropped and made again is found by its new id alone', async (t) => {
  await live.make(`CREATE KEYSPACE again ${ONE_COPY}`);
  await live.make(`CREATE TABLE again.t (id int PRIMARY KEY)`);
  await live.make(`INSERT INTO again.t (id) VALUES (1)`);
  const [before] = await live.tablesOf('again');
  await live.make(`DROP TABLE again.t`);
  await live.make(`CREATE TABLE again.t (id int PRIMARY KEY)`);
  await live.make(`INSERT INTO again.t (id) VALUES (2)`);

  await live.node.takeSnapshot('cassandra-mesos-again', 'again');

  const [after] = await live.tablesOf('again');
  const scan = await scanSnapshot(live.server.paths.data, 'again', 'cassandra-mesos-again');
  t.not(after?.id, before?.id);
  t.deepEqual(distinct(scan.map((entry) => entry.id)), [after?.id.replaceAll('-', '')]);
});

test.serial('tables whose names begin alike are kept apart', async (t) => {
  await live.make(`CREATE KEYSPACE alike ${ONE_COPY}`);
  await live.make(`CREATE TABLE alike.user (id int PRIMARY KEY)`);
  await live.make(`CREATE TABLE alike.users (id int PRIMARY KEY)`);
  await live.make(`INSERT INTO alike.users (id) VALUES (1)`);

  await live.node.takeSnapshot('cassandra-mesos-alike', 'alike');

  const scan = await scanSnapshot(live.server.paths.data, 'alike', 'cassandra-mesos-alike');
  const withFiles = scan.filter((entry) => entry.files.length > 0).map((entry) => entry.table);
  t.deepEqual(distinct(withFiles), ['users']);
  t.deepEqual(distinct(scan.map((entry) => entry.table)), ['user', 'users']);
});

test.serial("Cassandra's refusal of a snapshot is an error, although Jolokia answers 200", async (t) => {
  await live.make(`CREATE KEYSPACE twice ${ONE_COPY}`);
  await live.make(`CREATE TABLE twice.t (id int PRIMARY KEY)`);
  await live.node.takeSnapshot('cassandra-mesos-twice', 'twice');
  const taken = await t.throwsAsync<OperatorError>(live.node.takeSnapshot('cassandra-mesos-twice', 'twice'));
  t.is(taken.code, 'SNAPSHOT_FAILED');
  t.regex(taken.message, /already exists/);
  const unknown = await t.throwsAsync<OperatorError>(live.node.takeSnapshot('cassandra-mesos-twice', 'nowhere'));
  t.is(unknown.code, 'SNAPSHOT_FAILED');
  t.regex(unknown.message, /Keyspace nowhere does not exist/);
});

test.serial('clearing takes the tag and the keyspaces that were named, nothing else', async (t) => {
  for (const keyspace of ['clear_a', 'clear_b']) {
    await live.make(`CREATE KEYSPACE ${keyspace} ${ONE_COPY}`);
    await live.make(`CREATE TABLE ${keyspace}.t (id int PRIMARY KEY)`);
    await live.node.takeSnapshot('cassandra-mesos-1', keyspace);
    await live.node.takeSnapshot('nightly', keyspace);
  }
  const left = async (keyspace: string, tag: string) =>
    (await scanSnapshot(live.server.paths.data, keyspace, tag)).length > 0;

  await live.node.clearSnapshot('cassandra-mesos-1', ['clear_a']);
  t.false(await left('clear_a', 'cassandra-mesos-1'));
  t.true(await left('clear_b', 'cassandra-mesos-1'));
  t.true((await findOwnSnapshots(live.server.paths.data)).includes('cassandra-mesos-1'));

  await live.node.clearSnapshot('cassandra-mesos-1');
  t.false(await left('clear_b', 'cassandra-mesos-1'));
  t.true(await left('clear_a', 'nightly'));
  t.false((await findOwnSnapshots(live.server.paths.data)).includes('cassandra-mesos-1'));
  await t.notThrowsAsync(live.node.clearSnapshot('cassandra-mesos-1'));
});

test.serial('a dropped keyspace comes back whole from its statements, under new table ids', async (t) => {
  for (const statement of richSchema('Back')) await live.make(statement);
  const before = await live.schemaOf('Back');
  t.deepEqual(
    before.statements.map(({ type, name }) => `${type} ${name}`),
    ['keyspace Back', ...RICH_OBJECTS],
  );
  t.deepEqual(before.tables.find((table) => table.table === 'Users')?.droppedColumns, ['gone', 'old']);
  t.deepEqual(before.types.find((type) => type.name === 'address')?.fields, [
    { name: 'code', type: 'frozen<zip>' },
    { name: 'Street', type: 'text' },
  ]);

  await live.make(`DROP KEYSPACE "Back"`);
  for (const { cql: statement } of before.statements) await live.node.execute(statement);

  const after = await live.schemaOf('Back');
  const withoutIds = (schema: typeof before) => schema.tables.map((table) => ({ ...table, id: null }));
  t.deepEqual(after.statements, before.statements);
  t.deepEqual(after.types, before.types);
  t.deepEqual(withoutIds(after), withoutIds(before));
  const ids = new Set(before.tables.map((table) => table.id));
  t.true(after.tables.every((table) => !ids.has(table.id)));
});

test.serial("the schema leaves Cassandra's own keyspaces out but the ones that are asked for", async (t) => {
  const users = await live.node.schema();
  t.false(users.keyspaces.some((keyspace) => keyspace.startsWith('system')));
  t.false([...users.tables, ...users.statements].some((entry) => entry.keyspace.startsWith('system')));
  const schema = await live.node.schema(['system_auth']);
  t.true(schema.keyspaces.includes('system_auth'));
  t.false(schema.keyspaces.includes('system_distributed'));
  t.true(schema.tables.some(({ keyspace, table }) => keyspace === 'system_auth' && table === 'roles'));
});

test.serial('rows come back from files put beside a truncated table, and the way back is kept', async (t) => {
  await live.make(`CREATE KEYSPACE rows_back ${ONE_COPY}`);
  await live.make(`CREATE TABLE rows_back."T" (id int PRIMARY KEY, v text)`);
  for (const id of [1, 2, 3]) await live.make(`INSERT INTO rows_back."T" (id, v) VALUES (${id}, 'v${id}')`);
  await live.node.takeSnapshot('cassandra-mesos-rows', 'rows_back');
  const snapshot = await scanSnapshot(live.server.paths.data, 'rows_back', 'cassandra-mesos-rows');
  const [table] = await live.tablesOf('rows_back');
  const id = table?.id ?? '';
  const before = systemClock.now();

  await live.node.truncate('rows_back', 'T');
  t.deepEqual(await live.idsIn('rows_back."T"'), []);
  t.is(await live.node.liveSSTableCount('rows_back', 'T'), 0);

  const loaded = await live.putBack('rows_back', 'T', id, snapshot);
  await live.node.loadNewSSTables('rows_back', 'T');

  t.deepEqual(await live.idsIn('rows_back."T"'), [1, 2, 3]);
  t.is(await live.node.liveSSTableCount('rows_back', 'T'), loaded);
  const [safety, ...others] = await listSafetySnapshots(live.server.paths.data, 'rows_back', id, before);
  t.regex(safety?.tag ?? '', /^truncated-\d+-T$/);
  t.is(others.length, 0);
  t.deepEqual(await listSafetySnapshots(live.server.paths.data, 'rows_back', id, systemClock.now() + 1), []);
});

test.serial("errors are Cassandra's own words with a code", async (t) => {
  const syntax = await t.throwsAsync<OperatorError>(live.node.execute('CREATE NONSENSE'));
  t.is(syntax.code, 'CASSANDRA_ERROR');
  t.regex(syntax.message, /no viable alternative/);
  const truncate = await t.throwsAsync<OperatorError>(live.node.truncate('nowhere', 'nothing'));
  t.is(truncate.code, 'CASSANDRA_ERROR');
  const load = await t.throwsAsync<OperatorError>(live.node.loadNewSSTables('nowhere', 'nothing'));
  t.is(load.code, 'LOAD_FAILED');
  t.regex(load.message, /nowhere/);
  await t.throwsAsync(live.node.liveSSTableCount('nowhere', 'nothing'), { message: /nowhere/ });
});

test.serial('an aborted signal ends every call with its reason', async (t) => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  const calls = [
    live.node.health(signal),
    live.node.schema([], signal),
    live.node.truncate('a', 'b', signal),
    live.node.drain(signal),
  ];
  for (const call of calls) t.is(await t.throwsAsync(call), reason);
});

test.serial('a stop drains, waits for the end of the process and frees the data', async (t) => {
  const exit = await live.server.stop({ drain: true, graceMs: 60_000 });
  // 128 + SIGTERM: Java's shutdown hooks ran.
  t.deepEqual(exit, { code: 143, signal: null });
  t.regex(await readFile(join(live.server.paths.logs, 'system.log'), 'utf8'), /DRAINED/);
  await t.throwsAsync(readFile(`/proc/${live.server.pid}/stat`), { code: 'ENOENT' });
  for (const base of live.server.paths.bases) t.false((await readdir(base)).includes('node.lock'));
  const error = await t.throwsAsync<OperatorError>(live.node.health());
  t.is(error.code, 'CASSANDRA_UNAVAILABLE');
});

function distinct(names: string[]): string[] {
  return [...new Set(names)].sort();
}
