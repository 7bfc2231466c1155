import test from 'ava';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { CLUSTER, down, id, node, nodes, plannedWhole, START } from './helpers.ts';

function shape({ phases }: Pick<ClusterJob, 'phases'>): string[] {
  return phases.map(({ name, concurrency, once, steps }) => {
    const ids = steps.map(({ executorId }) => /\.(\d+)\.executor$/.exec(executorId)?.[1]).join('');
    return `${name} ${ids} ×${concurrency}${once ? ' once' : ''}`;
  });
}

test('a backup copies from one node at a time by default, in the order of their numbers', (t) => {
  const cluster = [node(10), node(2), node(0)];
  t.deepEqual(shape(plannedWhole('BACKUP', cluster)), [
    'preflight 0210 ×3',
    'backup 0210 ×1',
    'confirm 0210 ×3',
    'commit 0210 ×3',
  ]);
});

test('a backup can take all snapshots first, and copy from several nodes at once', (t) => {
  const job = plannedWhole('BACKUP', nodes(3), { snapshot: 'together', strategy: 'parallel', concurrency: 2 });
  t.deepEqual(shape(job), ['preflight 012 ×3', 'snapshot 012 ×3', 'backup 012 ×2', 'confirm 012 ×3', 'commit 012 ×3']);
});

test('a restore touches nothing before all nodes have checked and staged', (t) => {
  t.deepEqual(shape(plannedWhole('RESTORE', nodes(2))), [
    'check 01 ×2',
    'stage 01 ×1',
    'truncate 0 ×1 once',
    'load 01 ×1',
    'verify 01 ×2',
  ]);
});

test('a node that is down or was never launched has its steps as well', (t) => {
  const cluster = [node(0), down(1), node(2, { agentId: null, health: null, serverState: 'NONE' })];
  t.deepEqual(shape(plannedWhole('BACKUP', cluster)), [
    'preflight 012 ×3',
    'backup 012 ×1',
    'confirm 012 ×3',
    'commit 012 ×3',
  ]);
});

test('a backup of chosen nodes leaves the others out', (t) => {
  t.deepEqual(shape(plannedWhole('BACKUP', nodes(3), { nodes: [id(2), id(0)] })), [
    'preflight 02 ×2',
    'backup 02 ×1',
    'confirm 02 ×2',
    'commit 02 ×2',
  ]);
});

test('cleanup, repair and rolling restart are one phase each, one node at a time unless asked for more', (t) => {
  t.deepEqual(shape(plannedWhole('CLEANUP', nodes(2))), ['clean 01 ×1']);
  t.deepEqual(shape(plannedWhole('REPAIR', nodes(3), { strategy: 'parallel', concurrency: 2 })), ['repair 012 ×2']);
  t.deepEqual(shape(plannedWhole('RESTART', nodes(3), { nodes: [id(1)] })), ['restart 1 ×1']);
});

test('a node is removed by itself, by another one when it is down, by nobody when it never joined', (t) => {
  const parameters = { nodes: [id(2)] };
  t.deepEqual(shape(plannedWhole('REMOVE', nodes(3), parameters)), ['decommission 2 ×1']);
  const dead = plannedWhole('REMOVE', [node(0), node(1), { ...down(2), hostId: 'h2' }], parameters);
  t.deepEqual(shape(dead), ['removenode 0 ×1 once']);
  t.is(dead.parameters.removeHostId, 'h2');
  t.deepEqual(shape(plannedWhole('REMOVE', [node(0), node(1), { ...down(2), bootstrapped: false }], parameters)), []);
});

test('a node that was replaced takes no part in any job', (t) => {
  const cluster = [node(0), { ...node(1), targetRunState: 'TERMINATE' as const }];
  for (const type of ['BACKUP', 'REPAIR', 'RESTART'] as const) {
    t.deepEqual(
      plannedWhole(type, cluster).phases[0]?.steps.map(({ executorId }) => executorId),
      [id(0)],
    );
  }
});

test('a job begins with every step pending and nothing known', (t) => {
  const job = plannedWhole('RESTORE', nodes(2));
  t.like(job, { started: START, finished: null, result: null, aborted: false, abortNow: false });
  t.is(job.phases.flatMap(({ steps }) => steps).filter(({ state }) => state !== 'PENDING').length, 0);
  t.like(job.phases[0]?.steps[1], {
    executorId: `cassandra.${CLUSTER}.node.1.executor`,
    attempt: 1,
    taskId: null,
    started: null,
    finished: null,
  });
});
