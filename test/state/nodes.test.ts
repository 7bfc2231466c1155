import test from 'ava';
import { openState } from '../../src/state/database.ts';
import { health, id, node } from '../jobs/helpers.ts';
import { newState, statePath } from './helpers.ts';

test('nodes come back as they were saved, by number', (t) => {
  const { nodes } = newState(t);
  const full = node(2, { executorInfo: new Uint8Array([0, 255, 7]), lastError: 'ö', launchNotBefore: 5 });
  const empty = node(0, { agentId: null, hostname: null, ip: null, ports: null, health: null, healthAt: null });
  nodes.save(full);
  nodes.save(empty);
  t.deepEqual(nodes.all(), [empty, full]);
  t.deepEqual(nodes.get(id(2)), full);
});

test('a node that is saved again replaces what was there', (t) => {
  const { nodes } = newState(t);
  nodes.save(node(1, { executorInfo: new Uint8Array([1]) }));
  const changed = node(1, { health: health(1, { operationMode: 'DRAINED' }), serverState: 'NONE' });
  nodes.save(changed);
  t.deepEqual(nodes.all(), [changed]);
});

test('a node that is not there is null, and deleting it is fine', (t) => {
  const { nodes } = newState(t);
  nodes.save(node(1));
  t.is(nodes.get(id(2)), null);
  nodes.delete(id(2));
  nodes.delete(id(1));
  t.deepEqual(nodes.all(), []);
});

test('a number is given out once, also after its node is gone and after a restart', (t) => {
  const path = statePath(t);
  const first = openState(path);
  t.deepEqual([first.nodes.nextNumber(), first.nodes.nextNumber()], [0, 1]);
  first.nodes.save(node(1));
  first.nodes.delete(id(1));
  first.close();
  const second = openState(path);
  t.teardown(() => second.close());
  t.deepEqual(
    Array.from({ length: 10 }, () => second.nodes.nextNumber()),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
});
