import test from 'ava';
import { launched, nextSteps, stepRequest, taskIdOf } from '../../src/jobs/next-steps.ts';
import { withStep } from '../../src/jobs/steps.ts';
import { check, CLUSTER, down, error, id, node, nodes, planned, report, START, manifest } from './helpers.ts';
import { launchOrder, Ticker, ticker } from './ticker.ts';

function next(turned: Ticker): string[] {
  return nextSteps(turned.job, turned.nodes, turned.now).map(
    ({ phaseIndex, executorId }) => `${turned.job.phases[phaseIndex]?.name} ${/\.(\d+)\.exec/.exec(executorId)?.[1]}`,
  );
}

test('a backup copies node after node, proves that all is there and then writes the record everywhere', (t) => {
  const turned = ticker('BACKUP');
  t.is(turned.run().result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), [
    'backup 0',
    'backup 1',
    'backup 2',
    'confirm 0',
    'confirm 1',
    'confirm 2',
    'commit 0',
    'commit 1',
    'commit 2',
  ]);
});

test('a restore checks and stages on all nodes before it truncates once', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run().result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), [
    'check 0',
    'check 1',
    'stage 0',
    'stage 1',
    'truncate 0',
    'load 0',
    'load 1',
    'verify 0',
    'verify 1',
  ]);
});

test('a restore of a cluster of one node loads what it truncated', (t) => {
  const turned = ticker('RESTORE', 1);
  t.is(turned.run().result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), ['check 0', 'stage 0', 'truncate 0', 'load 0', 'verify 0']);
});

test('never more steps are at work than the concurrency allows', (t) => {
  const turned = ticker('BACKUP', 5, { strategy: 'parallel', concurrency: 2 });
  turned.tick();
  t.deepEqual(turned.active(), ['backup 0', 'backup 1']);
  turned.tick(1_000);
  t.deepEqual(turned.active(), ['backup 0', 'backup 1']);
  turned.status(turned.step('backup', 0).taskId ?? '', 'FINISHED', report()).tick();
  t.deepEqual(turned.active(), ['backup 1', 'backup 2']);
});

test('a step that could be launched keeps its place until its agent offers room', (t) => {
  const turned = ticker('BACKUP');
  t.deepEqual(next(turned), ['backup 0']);
  t.deepEqual(next(turned), ['backup 0']);
});

test('a node that is not ready lets the others pass and has its turn when it is back', (t) => {
  const cluster = [down(0), node(1), node(2)];
  const turned = new Ticker(planned('BACKUP', cluster), cluster);
  turned.tick();
  t.deepEqual(turned.active(), ['backup 1']);
  turned.nodes = nodes(3);
  turned.end().tick();
  t.deepEqual(turned.active(), ['backup 0']);
  t.is(turned.run().result, 'SUCCESS');
});

test('a step in its back-off lets the others pass', (t) => {
  const turned = ticker('BACKUP');
  turned.tick().end(() => error('TIMEOUT', 'slow'));
  t.deepEqual(next(turned), ['backup 1']);
  turned.now += 1_000;
  t.deepEqual(next(turned), ['backup 0']);
});

test('nothing of the next phase begins before the end of a phase was decided on', (t) => {
  const turned = ticker('RESTORE', 2).tick().end();
  t.deepEqual(turned.states('check'), ['SUCCESS', 'SUCCESS']);
  t.deepEqual(next(turned), []);
  turned.tick();
  t.deepEqual(turned.active(), ['stage 0']);
});

test('truncation waits for all nodes, since it goes to all of them', (t) => {
  const turned = ticker('RESTORE', 2).until('stage');
  while (turned.active().some((name) => name.startsWith('stage'))) {
    turned.end();
    if (turned.states('stage').includes('PENDING')) turned.tick();
  }
  turned.nodes = [node(0), down(1)];
  t.deepEqual(turned.tick().active(), []);
  turned.nodes = nodes(2);
  t.deepEqual(turned.tick().active(), ['truncate 0']);
});

test('an aborted job launches nothing more', (t) => {
  const turned = ticker('BACKUP').tick().abort().end();
  t.deepEqual(next(turned), []);
});

test('a task id names node, job, phase and attempt', (t) => {
  const job = planned('BACKUP', nodes(2), { snapshot: 'together' });
  t.is(taskIdOf(job, 1, 1), 'cassandra.test.node.1.executor.BACKUP.7.backup.1');
  const again = withStep(job, { phaseIndex: 0, stepIndex: 0 }, { attempt: 3 });
  t.is(taskIdOf(again, 0, 0), 'cassandra.test.node.0.executor.BACKUP.7.snapshot.3');
});

test('a launched step is LAUNCHING, and is not launched twice', (t) => {
  const job = planned('BACKUP', nodes(1));
  const after = launched(job, 0, 0, 'task', START + 5);
  t.like(after.phases[0]?.steps[0], { state: 'LAUNCHING', taskId: 'task', started: START + 5, lastSeen: START + 5 });
  t.is(launched(after, 0, 0, 'other', START + 6), after);
  t.is(job.phases[0]?.steps[0]?.state, 'PENDING');
});

test('a later attempt keeps the time at which the step began', (t) => {
  const turned = ticker('BACKUP', 1)
    .tick()
    .end(() => 'LOST');
  turned.tick(5_000);
  t.like(turned.step('backup', 0), { state: 'LAUNCHING', attempt: 2, started: START, lastSeen: START + 5_000 });
});

test('a request says what the operator asked for', (t) => {
  const filter = { keyspaces: ['ks1'], tables: ['ks2.t'] };
  const job = planned('BACKUP', nodes(1), { ...filter, snapshot: 'together', mode: 'full', rehash: true });
  t.deepEqual(stepRequest(job, 1, 0, CLUSTER), {
    jobId: 7,
    jobUuid: 'job-uuid',
    type: 'BACKUP',
    phase: 'backup',
    attempt: 1,
    cluster: CLUSTER,
    executorId: id(0),
    backupName: 'b1',
    location: 'file:///backup',
    keyspaces: ['ks1'],
    tables: ['ks2.t'],
    sourceExecutorId: null,
    snapshotTaken: true,
    manifestSha256: null,
    record: null,
    recordSha256: null,
    truncateTables: null,
    removeStaging: false,
    removeHostId: null,
    mode: 'full',
    rehash: true,
  });
  t.false(stepRequest(planned('BACKUP', nodes(1)), 0, 0, CLUSTER).snapshotTaken);
});

test('every node is told under which name the backup knows it, and one which tables to truncate', (t) => {
  const turned = ticker('RESTORE', 2);
  const all = [id(0), id(1)];
  turned.until('stage', ({ phase, executorId }) => {
    if (phase !== 'check') return undefined;
    const isFirst = executorId === id(0);
    const tables = isFirst ? ['ks2.b', 'ks1.t1'] : ['ks1.t1', 'ks1.a'];
    return report({
      keyspaces: {},
      check: check(executorId, all, { sourceExecutorId: isFirst ? id(1) : id(0), tables }),
    });
  });
  for (const phaseIndex of [1, 3, 4]) {
    t.is(stepRequest(turned.job, phaseIndex, 0, CLUSTER).sourceExecutorId, id(1));
    t.is(stepRequest(turned.job, phaseIndex, 1, CLUSTER).sourceExecutorId, id(0));
    t.is(stepRequest(turned.job, phaseIndex, 0, CLUSTER).truncateTables, null);
  }
  t.deepEqual(stepRequest(turned.job, 2, 0, CLUSTER).truncateTables, ['ks1.a', 'ks1.t1', 'ks2.b']);
});

test('all nodes write the same record, at whatever try', (t) => {
  const turned = ticker('BACKUP', 2).until('commit');
  const first = stepRequest(turned.job, 2, 0, CLUSTER).record;
  turned.end(({ executorId }) => (executorId === id(1) ? 'LOST' : undefined)).tick(60_000);
  t.is(turned.step('commit', 1).attempt, 2);
  t.is(stepRequest(turned.job, 2, 1, CLUSTER).record, first);
  t.like(JSON.parse(first ?? ''), { name: 'b1', result: 'SUCCESS' });
});

test('a node confirms and commits by the manifest that it stored, and is not sent what the others have', (t) => {
  const turned = ticker('BACKUP', 3).until('confirm');
  const asked = stepRequest(turned.job, 1, 1, CLUSTER);
  t.like(asked, { manifestSha256: manifest(id(1)).sha256, record: null, recordSha256: null });
  turned.until('commit');
  t.is(stepRequest(turned.job, 2, 1, CLUSTER).manifestSha256, manifest(id(1)).sha256);
  t.is(stepRequest(turned.job, 0, 1, CLUSTER).manifestSha256, null);
});
