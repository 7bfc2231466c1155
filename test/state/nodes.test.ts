import test from 'ava';
import Database from 'better-sqlite3';
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

test('all nodes are the same array until one changes', (t) => {
  const { nodes } = newState(t);
  nodes.save(node(1));
  nodes.save(node(0));
  const before = nodes.all();
  t.is(nodes.all(), before);
  const changed = node(1, { lastError: 'changed' });
  nodes.save(changed);
  t.deepEqual(before, [node(0), node(1)]);
  t.deepEqual(nodes.all(), [node(0), changed]);
  t.is(nodes.all()[0], before[0]);
});

test('a node is found by its server task as long as that is its own', (t) => {
  const { nodes } = newState(t);
  const first = node(0, { serverTaskId: 'first' });
  nodes.save(first);
  t.is(nodes.byServerTask('first'), first);
  const second = { ...first, serverTaskId: 'second' };
  nodes.save(second);
  t.is(nodes.byServerTask('first'), null);
  t.is(nodes.byServerTask('second'), second);
  nodes.delete(id(0));
  t.is(nodes.byServerTask('second'), null);
});

test('health is known at once and to no later scheduler, and costs no write', (t) => {
  const path = statePath(t);
  const first = openState(path);
  const unheard = node(0, { health: null, healthAt: null });
  first.nodes.save(unheard);
  const reader = new Database(path, { readonly: true });
  t.teardown(() => reader.close());
  const changes = () => reader.pragma('data_version', { simple: true });
  const before = changes();
  const healthy = { ...unheard, health: health(0), healthAt: 7 };
  first.nodes.save(healthy);
  t.is(first.nodes.get(id(0)), healthy);
  t.is(changes(), before);
  first.nodes.save({ ...healthy, bootstrapped: false });
  t.not(changes(), before);
  first.close();
  const second = openState(path);
  t.teardown(() => second.close());
  t.deepEqual(second.nodes.all(), [{ ...unheard, bootstrapped: false }]);
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
