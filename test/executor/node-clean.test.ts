import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { upkeepRig } from './upkeep.ts';

test("every keyspace that is not Cassandra's own is cleaned, one after the other", async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'clean');
  const { state, report } = await run();
  t.is(state, 'TASK_FINISHED');
  t.deepEqual(upkeep.calls, ['cleanUp blog', 'cleanUp shop']);
  t.deepEqual(Object.keys(report.keyspaces), ['blog', 'shop']);
  t.true(Object.values(report.keyspaces).every(({ status }) => status === 'SUCCESS'));
});

test('a keyspace that Cassandra does not clean is a failure with its words, and the others are cleaned', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'clean');
  upkeep.before = (_operation, keyspace) => {
    if (keyspace === 'blog') throw new OperatorError('CASSANDRA_ERROR', 'Cassandra says ABORTED');
  };
  const { state, report } = await run();
  t.is(state, 'TASK_FINISHED');
  t.like(report.keyspaces, {
    blog: { status: 'FAILURE', error: 'Cassandra says ABORTED' },
    shop: { status: 'SUCCESS', error: null },
  });
});

test('only the keyspaces that were named are cleaned, and one that does not exist is named', async (t) => {
  const { upkeep, run } = await upkeepRig(t, 'clean');
  const { report } = await run({ keyspaces: ['shop', 'shpo'] });
  t.deepEqual(upkeep.calls, ['cleanUp shop']);
  t.is(report.keyspaces['shpo']?.error, 'there is no keyspace shpo');
  const { state, message } = await run({ keyspaces: ['shpo'] });
  t.deepEqual([state, message], ['TASK_FAILED', 'there is no keyspace shpo']);
});

test('a cleanup that is killed is stopped in Cassandra as well', async (t) => {
  const { upkeep, killed, run } = await upkeepRig(t, 'clean');
  upkeep.before = (operation) => {
    if (operation === 'cleanUp') killed.abort(new OperatorError('ABORTED', 'the step was killed'));
  };
  const { state, report } = await run();
  t.is(state, 'TASK_KILLED');
  t.deepEqual(upkeep.calls, ['cleanUp blog', 'stopCleanUps']);
  t.deepEqual(report.remainingKeyspaces, ['shop']);
});
