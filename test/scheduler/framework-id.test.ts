import test from 'ava';
import { forgetFramework, rememberFramework } from '../../src/scheduler/framework-id.ts';
import { newState } from '../state/helpers.ts';
import { runningNode } from './helpers.ts';

test('the id that the master gives first is kept, and no other is taken', (t) => {
  const state = newState(t);
  rememberFramework(state, 'fw-1');
  t.notThrows(() => rememberFramework(state, 'fw-1'));
  t.throws(() => rememberFramework(state, 'fw-2'), { code: 'MESOS_REFUSED', message: /fw-1 back, got fw-2/ });
  t.is(state.framework.get('frameworkId'), 'fw-1');
});

test('a forgotten framework leaves the nodes their places and reservations, and no tasks', (t) => {
  const state = newState(t);
  rememberFramework(state, 'fw-1');
  const reservation = { volumes: [], made: true };
  state.nodes.save(runningNode(0, { executorInfo: new Uint8Array([1]), reservation }));
  forgetFramework(state);
  t.is(state.framework.get('frameworkId'), null);
  t.like(state.nodes.all()[0], {
    serverTaskId: null,
    serverState: 'NONE',
    executorInfo: null,
    bootstrapped: true,
    hostname: '127.0.0.1',
    reservation,
  });
});
