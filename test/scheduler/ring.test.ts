import test, { type ExecutionContext } from 'ava';
import { OperatorError, type ErrorCode } from '../../src/errors.ts';
import { isMember, type ClusterNode } from '../../src/model/node.ts';
import { destroyStage } from '../../src/scheduler/destroy.ts';
import { Ring } from '../../src/scheduler/ring.ts';
import type { State } from '../../src/state/database.ts';
import { newJob, newState } from '../state/helpers.ts';
import { aNode, runningNode } from './helpers.ts';

const DOWN = { serverState: 'NONE', serverTaskId: null, health: null, lastError: 'TASK_LOST: gone' } as const;
const id = (number: number): string => `cassandra.dev.node.${number}.executor`;

function ringOf(t: ExecutionContext, nodes: ClusterNode[]): { ring: Ring; state: State; woken: () => number } {
  const state = newState(t);
  for (const node of nodes) {
    state.nodes.nextNumber();
    state.nodes.save(node);
  }
  let woken = 0;
  return { ring: new Ring({ state, wake: () => void (woken += 1) }), state, woken: () => woken };
}

/** The order is refused in these words, and nothing is changed. */
function refused(
  t: ExecutionContext,
  state: State,
  order: () => unknown,
  expected: { code: ErrorCode; message: RegExp },
) {
  const before = state.nodes.all();
  const error = t.throws(order, { instanceOf: OperatorError });
  t.is(error.code, expected.code);
  t.regex(error.message, expected.message);
  t.deepEqual(state.nodes.all(), before);
}

test('a dead node gives its tokens and its seed to a new one, which has no place yet', (t) => {
  const { ring, state, woken } = ringOf(t, [runningNode(0), runningNode(1, DOWN), runningNode(2)]);
  const { replaced, replacement } = ring.replace(id(1));
  t.like(replaced, { executorId: id(1), targetRunState: 'TERMINATE', deleteData: false });
  t.like(replacement, { executorId: id(3), seed: true, replaces: '127.0.0.2', bootstrapped: false, hostname: null });
  t.deepEqual(
    state.nodes
      .all()
      .filter(isMember)
      .map(({ number }) => number),
    [0, 2, 3],
  );
  t.is(woken(), 1);
});

test('a node that had not joined just gives up its place', (t) => {
  const { ring } = ringOf(t, [runningNode(0), runningNode(1), runningNode(2, { ...DOWN, bootstrapped: false })]);
  t.like(ring.replace(id(2)).replacement, { executorId: id(3), replaces: null });
});

test('a replacement that dies before it joined hands on what it was to take over', (t) => {
  const dead = runningNode(3, { ...DOWN, bootstrapped: false, replaces: '127.0.0.3' });
  const { ring } = ringOf(t, [runningNode(0), runningNode(1), runningNode(2, { targetRunState: 'TERMINATE' }), dead]);
  t.is(ring.replace(id(3)).replacement.replaces, '127.0.0.3');
});

test('what must not be replaced is refused with the reason', (t) => {
  const { ring, state } = ringOf(t, [
    runningNode(0),
    runningNode(1, { ...DOWN, seed: false }),
    runningNode(2, { ...DOWN, targetRunState: 'TERMINATE' }),
    aNode(3, { replaces: '127.0.0.3', seed: false }),
    runningNode(4, { ...DOWN, lastError: null }),
  ]);
  const order = (number: number) => () => ring.replace(id(number));
  refused(t, state, order(9), { code: 'NODE_NOT_FOUND', message: /node\.9\.executor/ });
  refused(t, state, order(2), {
    code: 'NODE_REPLACED',
    message: /node\.2\.executor was replaced by .*node\.3\.executor/,
  });
  refused(t, state, order(3), { code: 'BAD_REQUEST', message: /was never started/ });
  refused(t, state, order(0), { code: 'BAD_REQUEST', message: /is not dead: its server is RUNNING/ });
  refused(t, state, order(4), { code: 'BAD_REQUEST', message: /is not dead: its server is NONE, its target RUN/ });
  refused(t, state, order(1), { code: 'BAD_REQUEST', message: /node\.3\.executor is still taking over the tokens/ });
});

test('the only seed with data is not replaced', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0, DOWN), aNode(1), runningNode(2)]);
  refused(t, state, () => ring.replace(id(0)), { code: 'BAD_REQUEST', message: /the only seed with data/ });
});

test('nothing is replaced or destroyed while a job runs', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1, DOWN)]);
  state.jobs.insert(newJob('BACKUP', 'u'));
  refused(t, state, () => ring.replace(id(1)), { code: 'JOB_RUNNING', message: /a replacement has to wait/ });
  refused(t, state, () => ring.destroy(), { code: 'JOB_RUNNING', message: /has to wait for its end/ });
});

test('orders for a node that left the ring are refused', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1, { targetRunState: 'TERMINATE' })]);
  for (const action of ['stop', 'start', 'restart'] as const) {
    refused(t, state, () => ring.order(id(1), action), { code: 'NODE_REPLACED', message: /was removed from the ring/ });
  }
});

test('scaling adds nodes that are no seeds, and takes none away', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1, { targetRunState: 'TERMINATE' }), runningNode(2)]);
  t.is(ring.scale(4), 4);
  t.deepEqual(
    state.nodes.all().map(({ executorId, seed }) => [executorId, seed]),
    [0, 1, 2, 3, 4].map((number) => [id(number), number < 2]),
  );
  refused(t, state, () => ring.scale(3), { code: 'BAD_REQUEST', message: /^Can not decrease the number of nodes\.$/ });
  refused(t, state, () => ring.scale(0.5), { code: 'BAD_REQUEST', message: /from 1 on, got 0\.5/ });
});

test('a node that has joined becomes a seed, and the last live seed stays one', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1, DOWN), runningNode(2), aNode(3)]);
  refused(t, state, () => ring.setSeed(id(0), false), {
    code: 'BAD_REQUEST',
    message: /^Must not remove the last live seed/,
  });
  refused(t, state, () => ring.setSeed(id(3), true), { code: 'BAD_REQUEST', message: /has not joined the ring yet/ });
  t.like(ring.setSeed(id(2), true), { node: { seed: true }, changed: true });
  t.false(ring.setSeed(id(2), true).changed);
  t.like(ring.setSeed(id(0), false), { node: { seed: false }, changed: true });
});

test('seeds stay as they are until all of the first ones have a place', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), aNode(1), runningNode(2)]);
  const expected = { code: 'BAD_REQUEST' as const, message: /initial number of seed nodes has not been acquired/ };
  refused(t, state, () => ring.setSeed(id(2), true), expected);
});

test('only what left the ring is forgotten', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1, { targetRunState: 'TERMINATE' })]);
  refused(t, state, () => ring.forget(id(0)), { code: 'BAD_REQUEST', message: /is a member of the ring/ });
  t.true(ring.forget(id(1)).deleteData);
});

test('a destroyed cluster gives everything back, once, and grows no more', (t) => {
  const { ring, state } = ringOf(t, [runningNode(0), runningNode(1)]);
  ring.destroy();
  t.is(destroyStage(state), 'WANTED');
  t.true(state.nodes.all().every((node) => !isMember(node) && node.deleteData));
  t.notThrows(() => ring.destroy());
  refused(t, state, () => ring.scale(3), { code: 'BAD_REQUEST', message: /is being destroyed/ });
});
