import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { tableDirectory } from '../../src/cassandra/sstables.ts';
import { handOver, placesOf, planMoves, writeJournal } from '../../src/executor/load-journal.ts';
import { nodeCleanup } from '../../src/executor/node-cleanup.ts';
import { nodeLoad } from '../../src/executor/node-load.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { readPlan } from '../../src/executor/staged-plan.ts';
import { backUp, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';

const RESTORE = { type: 'RESTORE', jobUuid: 'restore-1', sourceExecutorId: EXECUTOR_ID } as const;
const ROWS = ['ada', 'bob', 'eve'];

/** A node that has staged three SSTables of shop.users and truncated the table. */
async function stagedHost(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  for (const row of ROWS) host.node.write('shop', 'users', row);
  await backUp(host);
  await nodeStage(host.context({ ...RESTORE, phase: 'stage' }));
  await host.node.truncate('shop', 'users');
  return host;
}

function liveDirectory({ node }: Host): string {
  return tableDirectory(node.dataDirectories[0] ?? '', 'shop', 'users', node.schemaNow.tables[0]?.id ?? '');
}

/** Leaves the node as a load does that dies after `moved` SSTables, with `linked` components of each other one. */
async function dieAfter(host: Host, moved: number, linked: number): Promise<void> {
  const plan = await readPlan(host.context(), RESTORE.jobUuid);
  const [table] = plan.tables;
  if (table === undefined) throw new Error('expected a staged table');
  const tableId = host.node.schemaNow.tables[0]?.id ?? '';
  const moves = planMoves(table.sstables, readdirSync(liveDirectory(host)));
  await writeJournal(host.context(), plan, table, { version: 1, jobUuid: plan.jobUuid, tableId, moves, loaded: false });
  for (const move of moves.slice(0, moved)) {
    await handOver(placesOf(host.context(), plan, table, tableId, move), [move]);
  }
  for (const next of moves.slice(moved)) {
    const { staged, target } = placesOf(host.context(), plan, table, tableId, next);
    const others = next.names.filter(({ from }) => !from.endsWith('-Data.db')).slice(0, linked);
    for (const { from, to } of others) linkSync(join(staged, from), join(target, to));
  }
}

for (const restarted of [false, true]) {
  const when = restarted ? ', and Cassandra was started again,' : '';
  for (const moved of [0, 1, 2, 3]) {
    for (const linked of moved === 3 ? [0] : [0, 2, 3]) {
      test(`a load that died after ${moved} SSTables and ${linked} components of the others${when} is completed with every row once`, async (t) => {
        const host = await stagedHost(t);
        await dieAfter(host, moved, linked);
        if (restarted) {
          host.node.restart();
          host.node.write('shop', 'users', 'new');
        }
        const context = host.context({ ...RESTORE, phase: 'load', attempt: 2 });
        await nodeLoad(context);
        t.deepEqual(host.node.rows('shop', 'users'), restarted ? [...ROWS, 'new'] : ROWS);
        t.is(context.reporter.report.keyspaces['shop']?.status, 'SUCCESS');
      });
    }
  }
}

test('a load whose answer was lost is not done twice', async (t) => {
  const host = await stagedHost(t);
  const load = host.node.loadNewSSTables.bind(host.node);
  host.node.loadNewSSTables = async (keyspace, table, signal) => {
    await load(keyspace, table, signal);
    throw new OperatorError('CASSANDRA_UNAVAILABLE', 'gone');
  };
  await t.throwsAsync(nodeLoad(host.context({ ...RESTORE, phase: 'load' })), { code: 'CASSANDRA_UNAVAILABLE' });
  host.node.loadNewSSTables = load;
  await nodeLoad(host.context({ ...RESTORE, phase: 'load', attempt: 2 }));
  t.deepEqual(host.node.rows('shop', 'users'), ROWS);
  await nodeLoad(host.context({ ...RESTORE, phase: 'load', attempt: 3 }));
  t.deepEqual(host.node.rows('shop', 'users'), ROWS);
});

test('SSTables that Cassandra leaves unloaded fail the load with their names', async (t) => {
  const host = await stagedHost(t);
  host.node.loadNewSSTables = () => Promise.resolve();
  const context = host.context({ ...RESTORE, phase: 'load' });
  await t.throwsAsync(nodeLoad(context), {
    code: 'LOAD_FAILED',
    message: /did not take in 3 of 3 SSTables: nb-1000\d\d/,
  });
  t.like(context.reporter.report.errors[0], { keyspace: 'shop', table: 'users', code: 'LOAD_FAILED' });
});

test('a table that fails does not count as loaded, and the next keyspace has its turn', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['one', 'two']) {
    host.node.createTable(keyspace, 't');
    host.node.write(keyspace, 't', keyspace);
  }
  await backUp(host);
  await nodeStage(host.context({ ...RESTORE, phase: 'stage' }));
  for (const keyspace of ['one', 'two']) await host.node.truncate(keyspace, 't');
  host.node.before = (operation, [keyspace]) => {
    if (operation === 'loadNewSSTables' && keyspace === 'one') throw new OperatorError('LOAD_FAILED', 'no');
  };
  const context = host.context({ ...RESTORE, phase: 'load' });
  await t.throwsAsync(nodeLoad(context), { code: 'LOAD_FAILED', message: 'load one.t: no' });
  const { keyspaces } = context.reporter.report;
  t.is(keyspaces['one']?.tables['t']?.error, 'load one.t: no');
  t.is(keyspaces['two']?.status, 'SUCCESS');
});

test('a file that is in the way is not overwritten, and nothing is moved', async (t) => {
  const { root } = await makeHost(t);
  const places = { staged: join(root, 'staged'), target: join(root, 'live') };
  for (const directory of Object.values(places)) mkdirSync(directory);
  writeFileSync(join(places.staged, 'nb-1-big-Data.db'), 'ours');
  writeFileSync(join(places.target, 'nb-9-big-Data.db'), 'theirs');
  const move = { dataDirectory: 0, names: [{ from: 'nb-1-big-Data.db', to: 'nb-9-big-Data.db' }] };
  await t.throwsAsync(handOver(places, [move]), {
    code: 'LOAD_FAILED',
    message: /expected no file at .*nb-9-big-Data\.db/,
  });
  t.is(readFileSync(join(places.target, 'nb-9-big-Data.db'), 'utf8'), 'theirs');
  t.true(existsSync(join(places.staged, 'nb-1-big-Data.db')));
});

for (const moved of [1, 3]) {
  test(`a new restore after one that died after ${moved} SSTables loads every row once`, async (t) => {
    const host = await stagedHost(t);
    await dieAfter(host, moved, 2);
    const next = { ...RESTORE, jobUuid: 'restore-2' };
    await nodeStage(host.context({ ...next, phase: 'stage' }));
    await host.node.truncate('shop', 'users');
    await nodeLoad(host.context({ ...next, phase: 'load' }));
    t.deepEqual(host.node.rows('shop', 'users'), ROWS);
  });
}

test('cleaning up after a load that died brings in what was handed over, and leaves no half SSTable', async (t) => {
  const host = await stagedHost(t);
  await dieAfter(host, 2, 2);
  await nodeCleanup(host.context({ ...RESTORE, phase: 'cleanup', removeStaging: true }));
  t.is(host.node.rows('shop', 'users').length, 2);
  const names = readdirSync(liveDirectory(host)).filter((name) => name.startsWith('nb-'));
  t.is(names.length, 2 * 4);
});
