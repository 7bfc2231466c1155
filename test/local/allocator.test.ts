import test from 'ava';
import { allocations, type Candidate } from '../../src/local/allocator.ts';
import { Refusals } from '../../src/local/refusals.ts';
import type { Resource } from '../../src/mesos/types.ts';

const free = (cpus: number, mem: number): Resource[] => [
  { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
  { name: 'mem', type: 'SCALAR', scalar: { value: mem } },
];

const reserved = (cpus: number, role: string): Resource => ({
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value: cpus },
  reservations: [{ type: 'DYNAMIC', role }],
});

const candidate = (frameworkId: string, role = '*', refusals = new Refusals()): Candidate => ({
  frameworkId,
  role,
  refusals,
});

const agent = { agentId: 'S0', free: free(4, 8000) };

test('an agent goes as a whole to the first candidate', (t) => {
  const other = { ...agent, agentId: 'S1', free: free(1, 10) };
  const allocated = allocations([agent, other], [candidate('a'), candidate('b')], 0);
  t.deepEqual(allocated, [
    { frameworkId: 'a', role: '*', agentId: 'S0', resources: agent.free },
    { frameworkId: 'a', role: '*', agentId: 'S1', resources: free(1, 10) },
  ]);
});

test('what is reserved goes to its role only, whoever gets the rest', (t) => {
  const mixed = [...free(4, 8000), reserved(2, 'cassandra'), reserved(1, 'kafka')];
  const allocated = allocations([{ ...agent, free: mixed }], [candidate('a', 'cassandra'), candidate('b', 'kafka')], 0);
  t.deepEqual(allocated, [
    { frameworkId: 'a', role: 'cassandra', agentId: 'S0', resources: [...free(4, 8000), reserved(2, 'cassandra')] },
    { frameworkId: 'b', role: 'kafka', agentId: 'S0', resources: [reserved(1, 'kafka')] },
  ]);
  t.deepEqual(allocations([{ ...agent, free: [reserved(2, 'cassandra')] }], [candidate('c')], 0), []);
});

test('a refusal holds back as much or less of its agent until its time has come', (t) => {
  const refusals = new Refusals();
  refusals.add('*', 'S0', { resources: agent.free, until: 1000 });
  const only = [candidate('a', '*', refusals)];
  t.is(allocations([agent], only, 999).length, 0);
  t.is(allocations([{ ...agent, free: free(3.8, 8000) }], only, 999).length, 0);
  t.is(allocations([{ ...agent, free: free(4, 8001) }], only, 999).length, 1);
  t.is(allocations([{ ...agent, agentId: 'S1' }], only, 999).length, 1);
  t.is(allocations([agent], only, 1000).length, 1);
});

test('too little to run anything is not offered', (t) => {
  t.deepEqual(allocations([{ ...agent, free: free(0.001, 31) }], [candidate('a')], 0), []);
  t.is(allocations([{ ...agent, free: free(0.001, 32) }], [candidate('a')], 0).length, 1);
});
