import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { upkeepRig } from './upkeep.ts';

const REMOVE = { removeHostId: 'host-2' };

test('a dead node is taken out of the ring by its host id', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'removenode');
  t.is((await run(REMOVE)).state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, ['removeNode host-2']);
});

test('a host id that is not in the ring any more is fine', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'removenode');
  t.is((await run({ removeHostId: 'long-gone' })).state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, []);
});

test('a removal under way is waited for, not begun again', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'removenode');
  upkeep.removing = true;
  const step = run({ ...REMOVE, attempt: 2 });
  setImmediate(() => {
    upkeep.removing = false;
    upkeep.members = upkeep.members.filter(({ hostId }) => hostId !== 'host-2');
  });
  t.is((await step).state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, []);
});

test("Cassandra's refusal is told in its words", async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'removenode');
  const words = 'Node /127.0.0.2:7000 is alive and owns this ID. Use decommission command to remove it from the ring';
  upkeep.before = () => {
    throw new OperatorError('CASSANDRA_ERROR', words);
  };
  t.like(await run(REMOVE), { state: 'TASK_FAILED', message: words });
});

test('a dead node stays in a ring that would have too few for a keyspace', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'removenode');
  upkeep.keyspaces = [{ keyspace: 'blog', factors: { '*': 3 } }];
  t.like((await run(REMOVE)).report.errors[0], { code: 'BAD_REQUEST' });
});
