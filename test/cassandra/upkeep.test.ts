import test from 'ava';
import type { OperatorError } from '../../src/errors.ts';
import type { RepairStatus } from '../../src/cassandra/upkeep.ts';
import { systemClock } from '../../src/clock.ts';
import { LiveCassandra } from './live-cassandra.ts';

// One real Cassandra for all cases: a ring of one.
let live: LiveCassandra;

test.before(async (t) => {
  t.timeout(110_000);
  live = await LiveCassandra.start('127.0.0.25', () => undefined);
  await live.make(`CREATE KEYSPACE one WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
  await live.make(`CREATE KEYSPACE two WITH replication = {'class': 'NetworkTopologyStrategy', 'dc-test': 2}`);
  for (const keyspace of ['one', 'two']) await live.make(`CREATE TABLE ${keyspace}.t (id int PRIMARY KEY)`);
  await live.make('INSERT INTO one.t (id) VALUES (1)');
});

test.after.always(async () => await live?.end());

async function endOf(repair: number): Promise<RepairStatus | null> {
  for (;;) {
    const status = await live.node.upkeep.repairStatus(repair);
    if (status?.state !== 'RUNNING') return status;
    await systemClock.sleep(50);
  }
}

test.serial('the ring names its members and where they are', async (t) => {
  const { hostId } = await live.node.health();
  t.deepEqual(await live.node.upkeep.ring(), [{ hostId, address: '127.0.0.25', datacenter: 'dc-test' }]);
});

test.serial('replication is told per keyspace, of every strategy', async (t) => {
  const all = new Map((await live.node.upkeep.replication()).map(({ keyspace, factors }) => [keyspace, factors]));
  t.deepEqual(all.get('one'), { '*': 1 });
  t.deepEqual(all.get('two'), { 'dc-test': 2 });
  t.deepEqual(all.get('system'), {});
});

test.serial('a cleanup of a keyspace leaves its rows', async (t) => {
  await live.node.upkeep.cleanUp('one');
  t.deepEqual(await live.idsIn('one.t'), [1]);
});

test.serial("a cleanup that makes no sense is refused in Cassandra's words", async (t) => {
  const missing = await t.throwsAsync<OperatorError>(live.node.upkeep.cleanUp('nowhere'));
  t.is(missing.code, 'CASSANDRA_ERROR');
  t.regex(missing.message, /nowhere/);
  await t.throwsAsync(live.node.upkeep.cleanUp('system'), { message: /neither necessary nor wise/ });
});

test.serial('a keyspace with one replica has nothing to repair', async (t) => {
  t.is(await live.node.upkeep.startRepair('one'), null);
});

test.serial('a repair that cannot be done is FAILED, with the reason', async (t) => {
  const repair = await live.node.upkeep.startRepair('two');
  const status = await endOf(repair ?? t.fail('no repair was begun'));
  t.is(status?.state, 'FAILED');
  t.regex(status?.messages.join('; ') ?? '', /[Nn]othing to repair|neighbo/);
});

test.serial('a repair that was never begun is not known', async (t) => {
  t.is(await live.node.upkeep.repairStatus(4711), null);
});

test.serial('repairs and cleanups can be stopped also when there are none', async (t) => {
  await t.notThrowsAsync(live.node.upkeep.cancelRepairs());
  await t.notThrowsAsync(live.node.upkeep.stopCleanUps());
});

test.serial('the only node does not leave, and no stranger can be removed', async (t) => {
  await t.throwsAsync(live.node.upkeep.decommission(), { message: /no other normal nodes in the ring/ });
  const stranger = '00000000-0000-4000-8000-000000000000';
  await t.throwsAsync(live.node.upkeep.removeNode(stranger), { message: /Host ID not found/ });
  t.false(await live.node.upkeep.isRemoving());
  t.is((await live.node.health()).operationMode, 'NORMAL');
});
