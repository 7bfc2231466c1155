import test from 'ava';
import { checkReplicasStay } from '../../src/executor/enough-replicas.ts';
import { member } from '../helpers/scripted-upkeep.ts';

const ring = [member('a', 1), member('b', 2), member('c', 3, 'dc2')];

test('as many nodes as replicas are enough, in every datacenter and in the ring', (t) => {
  t.notThrows(() => checkReplicasStay('a', ring, [{ keyspace: 'k', factors: { dc1: 1, dc2: 1 } }]));
  t.notThrows(() => checkReplicasStay('a', ring, [{ keyspace: 'k', factors: { '*': 2 } }]));
});

test('the last node of a datacenter with replicas stays', (t) => {
  const keyspaces = [{ keyspace: 'k', factors: { dc1: 1, dc2: 1 } }];
  t.throws(() => checkReplicasStay('c', ring, keyspaces), { message: /k has 1 replicas in dc2, and 0 nodes/ });
  t.throws(() => checkReplicasStay('c', ring, [{ keyspace: 'k', factors: { '*': 3 } }]), {
    message: /3 replicas, and 2/,
  });
});

test('a datacenter that has too few already does not hold back the others', (t) => {
  t.notThrows(() => checkReplicasStay('a', ring, [{ keyspace: 'k', factors: { dc1: 1, dc2: 3 } }]));
});

test('users and roles count, what Cassandra keeps for itself does not', (t) => {
  t.throws(() => checkReplicasStay('a', ring, [{ keyspace: 'system_auth', factors: { '*': 3 } }]));
  t.notThrows(() => checkReplicasStay('a', ring, [{ keyspace: 'system_distributed', factors: { '*': 3 } }]));
  t.notThrows(() => checkReplicasStay('a', ring, [{ keyspace: 'system', factors: {} }]));
});
