import test from 'ava';
import { launchableNodes, onServerStatus } from '../../src/scheduler/node-lifecycle.ts';
import { settled } from '../../src/scheduler/leaving.ts';
import { aNode, normal, runningNode } from './helpers.ts';

const numbers = (nodes: { number: number }[]): number[] => nodes.map(({ number }) => number);

test('new nodes are launched one at a time, each when all before it are NORMAL', (t) => {
  t.deepEqual(numbers(launchableNodes([aNode(0), aNode(1), aNode(2)], 0)), [0]);
  const joining = aNode(1, { serverState: 'STARTING', serverTaskId: 'x' });
  t.deepEqual(numbers(launchableNodes([runningNode(0), joining, aNode(2)], 0)), []);
  t.deepEqual(numbers(launchableNodes([runningNode(0), runningNode(1), aNode(2)], 0)), [2]);
});

test('a ring with data starts its seeds first and then all others at once', (t) => {
  const down = { serverState: 'NONE', serverTaskId: null, health: null } as const;
  const nodes = [0, 1, 2, 3].map((number) => runningNode(number, down));
  t.deepEqual(numbers(launchableNodes(nodes, 0)), [0, 1]);
  t.deepEqual(numbers(launchableNodes([runningNode(0), ...nodes.slice(1)], 0)), [1, 2, 3]);
});

test('a node that the operator stopped is not launched', (t) => {
  const stopped = runningNode(0, { serverState: 'NONE', serverTaskId: null, targetRunState: 'STOP' });
  t.deepEqual(numbers(launchableNodes([stopped], 0)), []);
});

test('a failed server is launched again after a back-off, with the reason kept', (t) => {
  const node = runningNode(2);
  const update = { taskId: node.serverTaskId ?? '', message: 'exit code 3', health: null };
  const failed = onServerStatus(node, { ...update, state: 'TASK_FAILED' }, 1000);
  t.like(failed, { serverState: 'NONE', serverTaskId: null, health: null });
  t.regex(failed.lastError ?? '', /TASK_FAILED: exit code 3/);
  const ring = [runningNode(0), runningNode(1), failed];
  t.deepEqual(numbers(launchableNodes(ring, 1000)), []);
  t.deepEqual(numbers(launchableNodes(ring, failed.launchNotBefore ?? Infinity)), [2]);
});

test('an update of an earlier launch changes nothing', (t) => {
  const node = runningNode(0);
  const late = { taskId: 'cassandra.dev.node.0.executor.server.0', message: null, health: null };
  t.is(onServerStatus(node, { ...late, state: 'TASK_LOST' }, 1), node);
});

test('what is known already, or older than that, changes nothing', (t) => {
  const node = runningNode(0);
  const update = { taskId: node.serverTaskId ?? '', message: null, health: null };
  t.is(onServerStatus(node, { ...update, state: 'TASK_RUNNING' }, 1), node);
  t.is(onServerStatus(node, { ...update, state: 'TASK_STARTING' }, 1), node);
  const dying = runningNode(0, { serverState: 'KILLING' });
  t.is(onServerStatus(dying, { ...update, state: 'TASK_RUNNING' }, 1), dying);
  t.is(onServerStatus(dying, { ...update, state: 'TASK_UNREACHABLE' }, 1).serverState, 'UNREACHABLE');
});

test('a node that takes over tokens waits for a seed only, and no other joins beside it', (t) => {
  const down = { serverState: 'NONE', serverTaskId: null, health: null } as const;
  const replacing = aNode(3, { replaces: '127.0.0.3', seed: false });
  const ring = [runningNode(0), runningNode(1, { ...down, targetRunState: 'STOP' }), runningNode(2, down), replacing];
  t.deepEqual(numbers(launchableNodes([...ring, aNode(4)], 0)), [2, 3]);
  const dark = [runningNode(0, down), runningNode(1, down), replacing];
  t.deepEqual(numbers(launchableNodes(dark, 0)), [0, 1]);
});

test('a restart is a stop and then a run', (t) => {
  const node = runningNode(0, { targetRunState: 'RESTART' });
  const update = { taskId: node.serverTaskId ?? '', message: null, health: null };
  const stopped = onServerStatus(node, { ...update, state: 'TASK_KILLED' }, 5);
  t.like(stopped, { serverState: 'NONE', launchNotBefore: null, lastError: null });
  t.like(
    settled(stopped, () => false),
    { targetRunState: 'RUN' },
  );
});

test('a node counts as bootstrapped once it was NORMAL', (t) => {
  const node = aNode(0, { serverState: 'STARTING', serverTaskId: 'a' });
  const update = { taskId: 'a', state: 'TASK_RUNNING', message: null } as const;
  t.false(onServerStatus(node, { ...update, health: { ...normal, operationMode: 'JOINING' } }, 1).bootstrapped);
  t.true(onServerStatus(node, { ...update, health: normal }, 1).bootstrapped);
});

test('a server that starts proves that its volumes were made', (t) => {
  const reservation = { volumes: [{ id: 'v', containerPath: 'data-0' }], made: false };
  const node = aNode(0, { serverState: 'LAUNCHING', serverTaskId: 'a', reservation });
  const update = { taskId: 'a', message: null, health: null };
  t.like(onServerStatus(node, { ...update, state: 'TASK_STARTING' }, 1), { reservation: { made: true } });
  t.like(onServerStatus(node, { ...update, state: 'TASK_RUNNING' }, 1), { reservation: { made: true } });
  t.like(onServerStatus(node, { ...update, state: 'TASK_DROPPED' }, 1), { reservation: { made: false } });
});
