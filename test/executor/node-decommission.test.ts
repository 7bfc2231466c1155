import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { upkeepRig } from './upkeep.ts';

test('a node leaves its ring', async (t) => {
  const { health, upkeep, run } = await upkeepRig(t, 'decommission');
  t.is((await run()).state, 'TASK_FINISHED');
  t.deepEqual([upkeep.calls, health.operationMode], [['decommission'], 'DECOMMISSIONED']);
  t.is((await run({ attempt: 2 })).state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, ['decommission']);
});

test('an attempt that comes while the node is leaving waits for its end', async (t) => {
  const { health, upkeep, run } = await upkeepRig(t, 'decommission');
  health.operationMode = 'LEAVING';
  const step = run({ attempt: 2 });
  setImmediate(() => (health.operationMode = 'DECOMMISSIONED'));
  t.is((await step).state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, []);
});

test('an answer that got lost is no failure while the node goes on leaving', async (t) => {
  const { health, upkeep, run } = await upkeepRig(t, 'decommission');
  upkeep.before = () => {
    health.operationMode = 'LEAVING';
    setImmediate(() => (health.operationMode = 'DECOMMISSIONED'));
    throw new OperatorError('TIMEOUT', 'no answer');
  };
  t.is((await run()).state, 'TASK_FINISHED');
});

test('a node that stops leaving has not left', async (t) => {
  const { health, run } = await upkeepRig(t, 'decommission');
  health.operationMode = 'LEAVING';
  const step = run({ attempt: 2 });
  setImmediate(() => (health.operationMode = 'DECOMMISSION_FAILED'));
  t.like((await step).report.errors[0], { code: 'CASSANDRA_ERROR' });
});

test("Cassandra's refusal is told in its words", async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'decommission');
  upkeep.before = () => {
    throw new OperatorError('CASSANDRA_ERROR', 'no other normal nodes in the ring');
  };
  t.like(await run(), { state: 'TASK_FAILED', message: 'no other normal nodes in the ring' });
});

test('a node does not leave a ring that would have too few for a keyspace', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'decommission');
  upkeep.keyspaces = [{ keyspace: 'shop', factors: { dc1: 3 } }];
  const { report } = await run();
  t.like(report.errors[0], { code: 'BAD_REQUEST' });
  t.regex(report.errors[0]?.message ?? '', /shop has 3 replicas in dc1, and 2 nodes would be left/);
  t.deepEqual(upkeep.calls, []);
});
