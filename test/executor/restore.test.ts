import { existsSync, readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeCleanup } from '../../src/executor/node-cleanup.ts';
import { nodeLoad } from '../../src/executor/node-load.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { nodeTruncate } from '../../src/executor/node-truncate.ts';
import { nodeVerify } from '../../src/executor/node-verify.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { backUp, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';

const RESTORE = { type: 'RESTORE', jobUuid: 'restore-1', sourceExecutorId: EXECUTOR_ID } as const;

/** Check, stage and truncate, as the scheduler would have them done. */
async function prepare(host: Host, change: Partial<StepRequest> = {}): Promise<void> {
  const check = host.context({ ...RESTORE, ...change, phase: 'check' });
  await nodeCheck(check);
  await nodeStage(host.context({ ...RESTORE, ...change, phase: 'stage' }));
  const truncateTables = check.reporter.report.check?.tables ?? [];
  await nodeTruncate(host.context({ ...RESTORE, ...change, phase: 'truncate', truncateTables }));
}

async function finish(host: Host, change: Partial<StepRequest> = {}) {
  const load = host.context({ ...RESTORE, ...change, phase: 'load' });
  await nodeLoad(load);
  await nodeVerify(host.context({ ...RESTORE, ...change, phase: 'verify' }));
  return load.reporter.report;
}

const staged = (host: Host) =>
  host.stagingDirectories.flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => !name.includes('.')) : [],
  );

test('a restore brings back what was there, of tables and views and from all disks, and removes the rest', async (t) => {
  const host = await makeHost(t, 2);
  const { node } = host;
  node.createTable('shop', 'by_name', 'users');
  node.createTable('shop', 'users');
  node.createTable('empty', 'nothing');
  node.write('shop', 'users', 'ada', { dataDirectory: 0, index: 'i' });
  node.write('shop', 'users', 'bob', { dataDirectory: 1 });
  node.write('shop', 'by_name', 'view of ada');
  await backUp(host);
  node.write('shop', 'users', 'later');

  await prepare(host);
  t.deepEqual(node.rows('shop', 'users'), []);
  const report = await finish(host);
  t.deepEqual(node.rows('shop', 'users'), ['ada', 'bob']);
  t.deepEqual(node.rows('shop', 'by_name'), ['view of ada']);
  t.is(report.keyspaces['shop']?.status, 'SUCCESS');
  t.is(report.keyspaces['empty']?.status, 'SUCCESS');
  t.is(report.keyspaces['shop']?.tables['users']?.files, 8);
  t.regex(report.keyspaces['shop']?.tables['users']?.safetySnapshot ?? '', /^truncated-\d+-users$/);
  t.is(report.bytesDone, report.bytesTotal ?? -1);
  t.deepEqual(staged(host), []);
  const loads = node.calls.filter((call) => call.startsWith('loadNewSSTables'));
  t.deepEqual(loads, ['loadNewSSTables shop users', 'loadNewSSTables shop by_name']);
});

test('dropped tables are made again from the backup', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  const { schemaNow } = host.node;
  schemaNow.tables = [];
  schemaNow.keyspaces = [];
  schemaNow.statements = [];
  host.node.restart();

  await prepare(host);
  await finish(host);
  t.deepEqual(host.node.rows('shop', 'users'), ['ada']);
});

test('a dropped view is made again once its base table is empty, and filled from the backup', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.createTable('shop', 'by_name', 'users');
  host.node.write('shop', 'users', 'ada');
  host.node.write('shop', 'by_name', 'view of ada');
  await backUp(host);
  const { schemaNow } = host.node;
  schemaNow.tables = schemaNow.tables.filter(({ viewOf }) => viewOf === null);
  schemaNow.statements = schemaNow.statements.filter(({ type }) => type !== 'materialized_view');
  host.node.restart();

  await prepare(host);
  const acts = host.node.calls.filter((call) => /^(truncate|execute)/.test(call));
  t.deepEqual(acts, ['truncate shop users', 'execute CREATE VIEW shop.by_name OF users']);
  await finish(host);
  t.deepEqual(host.node.rows('shop', 'by_name'), ['view of ada']);
});

test('only the chosen table is truncated and loaded', async (t) => {
  const host = await makeHost(t);
  for (const table of ['users', 'users_x']) {
    host.node.createTable('shop', table);
    host.node.write('shop', table, `old ${table}`);
  }
  await backUp(host);
  for (const table of ['users', 'users_x']) host.node.write('shop', table, `new ${table}`);
  const tables = ['shop.users'];
  await prepare(host, { tables });
  await finish(host, { tables });
  t.deepEqual(host.node.rows('shop', 'users'), ['old users']);
  t.deepEqual(host.node.rows('shop', 'users_x'), ['new users_x', 'old users_x']);
});

test('a file that an earlier try has staged is not fetched again', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  for (let index = 0; index < 5; index += 1) host.node.write('shop', 'users', `row ${index}`);
  await backUp(host);
  const empty = host.context({ ...RESTORE, phase: 'check' });
  await nodeCheck(empty);
  const getFile = host.storage.getFile.bind(host.storage);
  let fetched = 0;
  host.storage.getFile = (...args) => {
    if (++fetched > 17) return Promise.reject(new OperatorError('TIMEOUT', 'gone'));
    return getFile(...args);
  };
  await t.throwsAsync(nodeStage(host.context({ ...RESTORE, phase: 'stage' })), { code: 'TIMEOUT' });
  host.storage.getFile = getFile;
  const space = host.context({ ...RESTORE, phase: 'check' });
  await nodeCheck(space);
  const needed = space.reporter.report.check?.bytesNeeded ?? 0;
  t.true(needed > 0 && needed < (empty.reporter.report.check?.bytesNeeded ?? 0), `${needed} bytes are missing`);
  await nodeStage(host.context({ ...RESTORE, phase: 'stage', attempt: 2 }));
});

test('nothing is loaded before all of it is staged', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  await t.throwsAsync(nodeLoad(host.context({ ...RESTORE, phase: 'load' })), { code: 'LOAD_FAILED' });
});

test('a step of verify that is done again after its answer got lost succeeds', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  await prepare(host);
  await finish(host);
  const again = host.context({ ...RESTORE, phase: 'verify', attempt: 2 });
  await nodeVerify(again);
  t.is(again.reporter.report.keyspaces['shop']?.status, 'SUCCESS');
});

/** A restore of one table that has come to its load. */
async function readyToLoad(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  await prepare(host);
  return host;
}

test('verify refuses what was not loaded', async (t) => {
  const host = await readyToLoad(t);
  const verify = nodeVerify(host.context({ ...RESTORE, phase: 'verify' }));
  await t.throwsAsync(verify, { code: 'LOAD_FAILED', message: /not all are/ });
  t.is(staged(host).length, 1);
});

test('verify refuses a table of which nothing is live although it has SSTables', async (t) => {
  const host = await readyToLoad(t);
  await nodeLoad(host.context({ ...RESTORE, phase: 'load' }));
  host.node.liveSSTableCount = () => Promise.resolve(0);
  const verify = nodeVerify(host.context({ ...RESTORE, phase: 'verify' }));
  await t.throwsAsync(verify, { code: 'LOAD_FAILED', message: /of the 1 on the disk none is live/ });
  t.is(staged(host).length, 1);
});

test('SSTables that are on the disk under new names and not live were not loaded', async (t) => {
  const host = await readyToLoad(t);
  host.node.liveSSTableCount = () => Promise.resolve(0);
  const load = nodeLoad(host.context({ ...RESTORE, phase: 'load' }));
  await t.throwsAsync(load, { code: 'LOAD_FAILED', message: /took in 1 SSTables, but none is live/ });
});

test('data that has expired and is compacted away between load and verify was restored', async (t) => {
  const host = await readyToLoad(t);
  await nodeLoad(host.context({ ...RESTORE, phase: 'load' }));
  await host.node.truncate('shop', 'users');
  await nodeVerify(host.context({ ...RESTORE, phase: 'verify' }));
  t.deepEqual(staged(host), []);
});

test('data that has expired and is compacted away as soon as it is loaded was restored', async (t) => {
  const host = await readyToLoad(t);
  const load = host.node.loadNewSSTables.bind(host.node);
  host.node.loadNewSSTables = async (keyspace, table, signal) => {
    await load(keyspace, table, signal);
    await host.node.truncate(keyspace, table);
  };
  t.is((await finish(host)).keyspaces['shop']?.status, 'SUCCESS');
  t.deepEqual(staged(host), []);
});

test('cleaning up clears the snapshot of the job and what it has staged', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  await nodeStage(host.context({ ...RESTORE, phase: 'stage' }));
  t.is(staged(host).length, 1);
  await host.node.takeSnapshot('cassandra-mesos-monday-restore-1', 'shop');
  await host.node.takeSnapshot('by-hand', 'shop');
  await nodeCleanup(host.context({ ...RESTORE, phase: 'cleanup', removeStaging: true }));
  t.deepEqual(staged(host), []);
  t.deepEqual(host.node.snapshots(), ['by-hand']);
});

test('an error before the first truncation says that nothing was truncated', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host);
  const request = { ...RESTORE, phase: 'truncate' as const, truncateTables: ['shop.users', 'shop.gone'] };
  await t.throwsAsync(nodeTruncate(host.context(request)), {
    code: 'SCHEMA_MISMATCH',
    message: /^nothing was truncated: expected table shop\.gone to exist/,
  });
  t.deepEqual(host.node.rows('shop', 'users'), ['ada']);
});

test('a truncation that fails says how many tables were truncated before', async (t) => {
  const host = await makeHost(t);
  for (const table of ['a', 'b']) host.node.createTable('shop', table);
  await backUp(host);
  host.node.before = (operation, [, table]) => {
    if (operation === 'truncate' && table === 'b') throw new OperatorError('CASSANDRA_ERROR', 'a replica is down');
  };
  const request = { ...RESTORE, phase: 'truncate' as const, truncateTables: ['shop.a', 'shop.b'] };
  await t.throwsAsync(nodeTruncate(host.context(request)), {
    message: /truncate shop\.b \(1 of 2 tables were truncated before\): a replica is down/,
  });
});
