import test from 'ava';
import { knownTasks, Reconciliation, type KnownTask } from '../../src/scheduler/reconcile.ts';
import { aNode, runningNode } from './helpers.ts';

const task = (isPassing: boolean): KnownTask => ({ taskId: 't', executorId: 'e', agentId: 'a', isPassing });

/** When a task is asked about, of all seconds. */
function asked(rules: Reconciliation, tasks: KnownTask[], seconds: number): number[] {
  const times = Array.from({ length: seconds }, (_, second) => second);
  return times.filter((second) => rules.due(tasks, second * 1000).length > 0);
}

test('a task in a passing state is asked about again and again, ever less often', (t) => {
  t.deepEqual(asked(new Reconciliation(), [task(true)], 200), [10, 30, 70, 150]);
});

test('a task in a steady state is asked about only when its executor is suspect, and once', (t) => {
  const rules = new Reconciliation();
  t.deepEqual(asked(rules, [task(false)], 100), []);
  rules.suspect(['e']);
  t.deepEqual(asked(rules, [task(false)], 100), [10]);
});

test('everything is asked about every few minutes and with each subscription', (t) => {
  const rules = new Reconciliation();
  t.true(rules.isEverythingDue(0));
  rules.everythingAsked(0);
  t.false(rules.isEverythingDue(299_999));
  t.true(rules.isEverythingDue(300_000));
  rules.everythingAsked(300_000);
  rules.reset();
  t.true(rules.isEverythingDue(300_001));
});

test('servers on their way are passing; of a node without one, the last is asked about while its executor may live', (t) => {
  const gone = { serverTaskId: null, serverState: 'NONE', targetRunState: 'TERMINATE' } as const;
  const nodes = [
    runningNode(0),
    runningNode(1, { serverState: 'UNREACHABLE' }),
    aNode(2),
    runningNode(3, { ...gone, executorInfo: new Uint8Array([1]) }),
    runningNode(4, gone),
  ];
  t.deepEqual(
    knownTasks(nodes, null).map(({ taskId, agentId, isPassing }) => [taskId, agentId, isPassing]),
    [
      ['cassandra.dev.node.0.executor.server.1', 'agent-127.0.0.1', false],
      ['cassandra.dev.node.1.executor.server.1', 'agent-127.0.0.2', true],
      ['cassandra.dev.node.3.executor.server.1', 'agent-127.0.0.4', true],
    ],
  );
});
