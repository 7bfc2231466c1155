import test from 'ava';
import { seedsFor } from '../../src/scheduler/seeds.ts';
import { aNode, runningNode } from './helpers.ts';

test('the first node of a ring is its own seed', (t) => {
  const first = aNode(0, { ip: '127.0.0.1' });
  t.deepEqual(seedsFor(first, [first, aNode(1)]), ['127.0.0.1']);
});

test('a seed that has yet to join finds the ring by the others, not by itself', (t) => {
  const second = aNode(1, { ip: '127.0.0.2', seed: true });
  t.deepEqual(seedsFor(second, [runningNode(0), second]), ['127.0.0.1']);
});

test('a seed with data is among its own seeds', (t) => {
  const nodes = [runningNode(0), runningNode(1), runningNode(2)];
  t.deepEqual(seedsFor(nodes[1] ?? aNode(1), nodes), ['127.0.0.1', '127.0.0.2']);
});

test('a new node for the only seed joins by any node with data, never by the one that it replaces', (t) => {
  const dead = runningNode(0, { targetRunState: 'TERMINATE' });
  const replacement = aNode(3, { ip: '127.0.0.4', seed: true, replaces: '127.0.0.1' });
  t.deepEqual(seedsFor(replacement, [dead, runningNode(2), replacement]), ['127.0.0.3']);
});
