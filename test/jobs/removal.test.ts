import test from 'ava';
import type { ErrorCode, OperatorError } from '../../src/errors.ts';
import { removalOf } from '../../src/jobs/removal.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { down, id, node, nodes } from './helpers.ts';

const fresh = { bootstrapped: false, serverState: 'NONE', serverTaskId: null, health: null } as const;

test('a node that is up leaves by itself', (t) => {
  t.deepEqual(removalOf(id(1), nodes(3)), { how: 'DECOMMISSION' });
});

test('a dead node is taken out by another one, by its host id', (t) => {
  const cluster = [node(0), { ...down(1), health: null, hostId: 'host-1' }, node(2)];
  t.deepEqual(removalOf(id(1), cluster), { how: 'REMOVENODE', by: id(0), hostId: 'host-1' });
});

test('a node that never joined is only forgotten, whatever the others do', (t) => {
  t.deepEqual(removalOf(id(1), [node(0), node(1, fresh), down(2)]), { how: 'FORGET' });
  const joining = node(1, { bootstrapped: false, serverState: 'STARTING' });
  t.deepEqual(removalOf(id(1), [node(0), { ...joining, targetRunState: 'STOP' }]), { how: 'FORGET' });
});

const refusals: [string, ClusterNode[], string, ErrorCode, RegExp][] = [
  ['a node of another cluster', nodes(2), 'stranger', 'BAD_REQUEST', /stranger/],
  ['the last node', nodes(1), id(0), 'BAD_REQUEST', /last node/],
  ['the last seed', nodes(3), id(0), 'BAD_REQUEST', /last seed/],
  ['a node while another one is down', [node(0), node(1), down(2)], id(1), 'NODE_DOWN', /node\.2\.executor/],
  ['a dead node while another one is down', [node(0), down(1), down(2)], id(1), 'NODE_DOWN', /node\.2\.executor/],
  ['a dead node whose host id nobody knows', [node(0), { ...down(1), health: null }], id(1), 'BAD_REQUEST', /host id/],
  [
    'a node that is just joining',
    [node(0), node(1, { bootstrapped: false, serverState: 'STARTING' })],
    id(1),
    'BAD_REQUEST',
    /joining/,
  ],
];
for (const [what, cluster, executorId, code, words] of refusals) {
  test(`${what} is not removed`, (t) => {
    const error = t.throws<OperatorError>(() => removalOf(executorId, cluster), { message: words });
    t.is(error.code, code);
  });
}
