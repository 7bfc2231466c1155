import test from 'ava';
import { createLogger } from '../../src/log.ts';
import { addMissingNodes } from '../../src/scheduler/missing-nodes.ts';
import { newState } from '../state/helpers.ts';
import { normal, settings } from './helpers.ts';

const log = createLogger('test', 'silent');

test('the first nodes are made once; later only a raised number adds some, which are no seeds', (t) => {
  const state = newState(t);
  const start = (nodeCount: number): string => {
    addMissingNodes({ state, settings: { ...settings, nodeCount }, log });
    return state.nodes
      .all()
      .map(({ number, seed }) => `${number}${seed ? ' seed' : ''}`)
      .join(', ');
  };
  t.is(start(3), '0 seed, 1 seed, 2');
  const [first, , last] = state.nodes.all();
  if (first) state.nodes.save({ ...first, bootstrapped: true, health: normal });
  if (last) state.nodes.save({ ...last, targetRunState: 'TERMINATE' });
  t.is(start(3), '0 seed, 1 seed, 2', 'a removed node is not made again');
  t.is(start(1), '0 seed, 1 seed, 2');
  t.is(start(4), '0 seed, 1 seed, 2, 3, 4');
});
