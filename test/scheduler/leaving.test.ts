import test from 'ava';
import { hasNoExecutor, isStray, mustShutDown, settled, withoutAgent } from '../../src/scheduler/leaving.ts';
import { anOffer, runningNode } from './helpers.ts';

const executorInfo = new Uint8Array([1]);
const ENDED = { serverState: 'NONE', serverTaskId: null, executorInfo } as const;
const reservation = { volumes: [], made: true };
const outdated = () => true;
const current = () => false;

test('an executor is shut down after its server has ended, when its node left or it would be described anew', (t) => {
  t.false(mustShutDown(runningNode(0, { targetRunState: 'TERMINATE', executorInfo }), current));
  t.true(mustShutDown(runningNode(0, { ...ENDED, targetRunState: 'TERMINATE' }), current));
  t.true(mustShutDown(runningNode(0, { ...ENDED, targetRunState: 'RESTART' }), outdated));
  t.false(mustShutDown(runningNode(0, { ...ENDED, targetRunState: 'RESTART' }), current));
  t.false(mustShutDown(runningNode(0, { ...ENDED, targetRunState: 'STOP' }), outdated));
});

test('a restarted node runs again once nothing old is left', (t) => {
  const node = runningNode(0, { ...ENDED, targetRunState: 'RESTART' });
  t.is(settled(node, outdated), node);
  t.like(
    settled({ ...node, executorInfo: null }, () => false),
    { targetRunState: 'RUN' },
  );
});

test('a former node is forgotten when an operator wants it and nothing of it is left', (t) => {
  const gone = runningNode(0, { ...ENDED, executorInfo: null, targetRunState: 'TERMINATE', deleteData: true });
  t.is(settled(gone, current), null);
  for (const left of [{ executorInfo }, { reservation }, { deleteData: false }]) {
    const node = { ...gone, ...left };
    t.is(settled(node, current), node);
  }
});

test('an offer of its own agent that does not name the executor says that it has ended', (t) => {
  const node = runningNode(0, ENDED);
  t.true(hasNoExecutor(node, anOffer('127.0.0.1')));
  t.false(hasNoExecutor(node, anOffer('127.0.0.1', { executors: [node.executorId] })));
  t.false(hasNoExecutor(node, anOffer('127.0.0.2')));
  t.false(hasNoExecutor(runningNode(0, { executorInfo }), anOffer('127.0.0.1')), 'its server still counts as running');
});

test('executors of nobody, of a node that lives elsewhere, and without a description are left over', (t) => {
  t.true(isStray(null, 'agent-127.0.0.1'));
  t.true(isStray(runningNode(0, { executorInfo }), 'agent-127.0.0.2'));
  t.true(isStray(runningNode(0, { executorInfo: null }), 'agent-127.0.0.1'));
  t.false(isStray(runningNode(0, { executorInfo }), 'agent-127.0.0.1'));
});

test('with its agent gone for good, a former node holds nothing; a member keeps its place', (t) => {
  const former = runningNode(0, { ...ENDED, targetRunState: 'TERMINATE', reservation });
  t.like(withoutAgent(former), { executorInfo: null, reservation: null });
  const member = runningNode(0, { ...ENDED, reservation });
  t.is(withoutAgent(member), member);
});
