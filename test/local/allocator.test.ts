import test from 'ava';
import { allocations, type Candidate } from '../../src/local/allocator.ts';
import type { Resource } from '../../src/mesos/types.ts';

const free = (cpus: number, mem: number): Resource[] => [
  { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
  { name: 'mem', type: 'SCALAR', scalar: { value: mem } },
];

const candidate = (frameworkId: string, changes: Partial<Candidate> = {}): Candidate => ({
  frameworkId,
  suppressed: false,
  filters: [],
  offered: new Set(),
  ...changes,
});

const agent = { agentId: 'S0', free: free(4, 8000) };

test('an agent goes as a whole to the first candidate', (t) => {
  const allocated = allocations([agent, { agentId: 'S1', free: free(1, 10) }], [candidate('a'), candidate('b')], 0);
  t.deepEqual(allocated, [
    { frameworkId: 'a', agentId: 'S0', resources: agent.free },
    { frameworkId: 'a', agentId: 'S1', resources: free(1, 10) },
  ]);
});

test('a suppressed framework leaves its turn to the next', (t) => {
  const allocated = allocations([agent], [candidate('a', { suppressed: true }), candidate('b')], 0);
  t.deepEqual(
    allocated.map(({ frameworkId }) => frameworkId),
    ['b'],
  );
});

test('a framework gets no second offer of an agent while it holds one', (t) => {
  t.deepEqual(allocations([agent], [candidate('a', { offered: new Set(['S0']) })], 0), []);
});

test('a filter holds back as much or less of its agent until its time has come', (t) => {
  const filters = [{ agentId: 'S0', resources: agent.free, until: 1000 }];
  const only = [candidate('a', { filters })];
  t.is(allocations([agent], only, 999).length, 0);
  t.is(allocations([{ ...agent, free: free(3.8, 8000) }], only, 999).length, 0);
  t.is(allocations([{ ...agent, free: free(4, 8001) }], only, 999).length, 1);
  t.is(allocations([{ ...agent, agentId: 'S1' }], only, 999).length, 1);
  t.is(allocations([agent], only, 1000).length, 1);
});

test('too little to run anything is not offered', (t) => {
  t.deepEqual(allocations([{ agentId: 'S0', free: free(0.001, 31) }], [candidate('a')], 0), []);
  t.is(allocations([{ agentId: 'S0', free: free(0.001, 32) }], [candidate('a')], 0).length, 1);
});
