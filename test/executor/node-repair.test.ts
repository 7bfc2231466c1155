import test from 'ava';
import type { RepairStatus } from '../../src/cassandra/upkeep.ts';
import { OperatorError } from '../../src/errors.ts';
import { upkeepRig } from './upkeep.ts';

const COMPLETED: RepairStatus = { state: 'COMPLETED', messages: [] };

test('every keyspace is repaired, one after the other, and is done when Cassandra says so', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  let looks = 0;
  upkeep.repairs = [COMPLETED];
  upkeep.repairStatus = (number) => {
    looks += 1;
    return Promise.resolve(looks < 3 ? { state: 'RUNNING', messages: [String(number)] } : COMPLETED);
  };
  const { state, report } = await run();
  t.is(state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, ['startRepair blog', 'startRepair shop']);
  t.is(looks, 4);
  t.true(Object.values(report.keyspaces).every(({ status }) => status === 'SUCCESS'));
});

test("a failed session is a failure with Cassandra's words, and the other keyspaces are repaired", async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  upkeep.repairs = [
    { state: 'FAILED', messages: ['Endpoint not alive: /127.0.0.3', 'Repair command #1 failed'] },
    COMPLETED,
  ];
  const { state, report } = await run();
  t.is(state, 'TASK_FINISHED');
  t.like(report.keyspaces, {
    blog: {
      status: 'FAILURE',
      error: 'repair 1 of keyspace blog: Endpoint not alive: /127.0.0.3; Repair command #1 failed',
    },
    shop: { status: 'SUCCESS' },
  });
});

test('a keyspace with one replica has nothing to compare and is done', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  upkeep.keyspaces = [{ keyspace: 'single', factors: { dc1: 1 } }];
  const { state, report } = await run();
  t.is(state, 'TASK_FINISHED');
  t.is(report.keyspaces['single']?.status, 'SUCCESS');
});

/** What Cassandra says of each repair when it is asked again and again. */
function inTurn(...states: (RepairStatus['state'] | null)[]): (repair: number) => Promise<RepairStatus | null> {
  const asked = new Map<number, number>();
  return (repair) => {
    const time = asked.get(repair) ?? 0;
    asked.set(repair, time + 1);
    const state = states[time] ?? null;
    return Promise.resolve(state && { state, messages: [] });
  };
}

test('a repair that Cassandra has forgotten is not taken for done', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  upkeep.repairStatus = inTurn('RUNNING', null);
  const { state, message } = await run();
  t.is(state, 'TASK_FAILED');
  t.regex(message, /knows nothing of it any more/);
});

test('a repair that Cassandra does not know of yet is waited for', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  upkeep.repairStatus = inTurn(null, null, 'RUNNING', 'COMPLETED');
  t.is((await run()).state, 'TASK_FINISHED');
});

test('a repair that is killed is cancelled in Cassandra as well', async (t) => {
  const { upkeep, killed, run } = await upkeepRig(t, 'repair');
  upkeep.repairStatus = () => {
    killed.abort(new OperatorError('ABORTED', 'the step was killed'));
    return Promise.resolve({ state: 'RUNNING', messages: [] });
  };
  t.is((await run()).state, 'TASK_KILLED');
  t.deepEqual(upkeep.calls, ['startRepair blog', 'cancelRepairs']);
});

test('another attempt first cancels what the one before may have left running', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'repair');
  upkeep.repairs = [COMPLETED, COMPLETED];
  await run({ attempt: 2 });
  t.is(upkeep.calls[0], 'cancelRepairs');
});

test('a node that is not NORMAL is not repaired', async (t) => {
  const { health, upkeep, run } = await upkeepRig(t, 'repair');
  health.operationMode = 'JOINING';
  t.like((await run()).report.errors[0], { code: 'CASSANDRA_UNAVAILABLE' });
  t.deepEqual(upkeep.calls, []);
});
