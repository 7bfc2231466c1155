import test from 'ava';
import { onProgress, onTaskStatus, resumed } from '../../src/jobs/step-updates.ts';
import { error, LIMITS, report, START } from './helpers.ts';
import { ticker } from './ticker.ts';

const TASK = 'cassandra.test.node.0.executor.BACKUP.7.backup.1';
const SECOND = 'cassandra.test.node.0.executor.BACKUP.7.backup.2';

test('a task walks from LAUNCHING over RUNNING to SUCCESS', (t) => {
  const turned = ticker('BACKUP').tick().status(TASK, 'STAGING');
  t.is(turned.step('backup', 0).state, 'LAUNCHING');
  turned.status(TASK, 'RUNNING');
  t.is(turned.step('backup', 0).state, 'RUNNING');
  turned.now += 500;
  turned.status(TASK, 'FINISHED', report({ bytesDone: 42 }));
  t.like(turned.step('backup', 0), { state: 'SUCCESS', finished: START + 500, error: null });
  t.is(turned.step('backup', 0).report?.bytesDone, 42);
});

test('a task whose RUNNING was lost ends as well', (t) => {
  t.is(ticker('BACKUP').tick().status(TASK, 'FINISHED', report()).step('backup', 0).state, 'SUCCESS');
});

test('progress is a sign of life and replaces the report', (t) => {
  const turned = ticker('BACKUP').tick();
  turned.now += 9_000;
  turned.progress(TASK, report({ bytesDone: 1 })).progress(TASK, report({ bytesDone: 2 }));
  t.like(turned.step('backup', 0), { state: 'RUNNING', lastSeen: START + 9_000 });
  t.is(turned.step('backup', 0).report?.bytesDone, 2);
});

test('a status that comes twice, late or for a task that nobody knows changes nothing', (t) => {
  const turned = ticker('BACKUP').tick().status(TASK, 'LOST').tick(5_000);
  const before = turned.job;
  t.is(turned.step('backup', 0).taskId, SECOND);
  for (const state of ['STAGING', 'RUNNING', 'FINISHED', 'FAILED', 'KILLED', 'LOST', 'UNREACHABLE'] as const) {
    for (const taskId of [TASK, 'unknown', '']) {
      const status = { taskId, state, message: null, report: report() };
      t.is(onTaskStatus(before, status, turned.now, LIMITS), before);
    }
  }
  t.is(onProgress(before, TASK, report(), turned.now), before);
  const done = turned.status(SECOND, 'FINISHED', report()).job;
  t.is(turned.status(SECOND, 'FAILED', report({ errors: [error('INTERNAL', 'late')] })).job, done);
});

test('a rule never changes the job that it was given', (t) => {
  const turned = ticker('BACKUP').tick();
  const before = structuredClone(turned.job);
  const given = turned.job;
  turned.status(TASK, 'FAILED', report({ errors: [error('TIMEOUT', 'slow')] })).tick(60_000);
  t.deepEqual(given, before);
});

test('an attempt that fails for now is tried again, later and later, and then fails with the last words', (t) => {
  const turned = ticker('BACKUP', 1);
  const waits: number[] = [];
  for (const attempt of [1, 2, 3, 4]) {
    while (turned.step('backup', 0).state !== 'LAUNCHING') turned.tick(100);
    t.is(turned.step('backup', 0).attempt, attempt);
    turned.end(() => error('CASSANDRA_ERROR', `no ${attempt}`, { keyspace: 'ks1' }));
    const { notBefore, state } = turned.step('backup', 0);
    if (state === 'PENDING') waits.push((notBefore ?? 0) - turned.now);
  }
  t.deepEqual(waits, [1_000, 2_000, 3_000]);
  t.like(turned.step('backup', 0), {
    state: 'FAILED',
    attempt: 4,
    finished: turned.now,
    error: { code: 'CASSANDRA_ERROR', message: 'no 4', keyspace: 'ks1' },
  });
});

test('an attempt that fails for good is not tried again', (t) => {
  const turned = ticker('BACKUP', 1)
    .tick()
    .end(() => error('NO_SPACE', 'disk full'));
  t.like(turned.step('backup', 0), { state: 'FAILED', attempt: 1 });
});

test('an error of a newer executor is final and keeps its code', (t) => {
  const turned = ticker('BACKUP', 1)
    .tick()
    .end(() => error('FLUX_TOO_LOW', 'what?'));
  t.like(turned.step('backup', 0), { state: 'FAILED', error: { code: 'FLUX_TOO_LOW', message: 'what?' } });
});

test('the first error of a report decides, as it is the one that ended the step', (t) => {
  const both = [error('TIMEOUT', 'slow'), error('SSTABLE_CORRUPT', 'bad')];
  const retried = ticker('BACKUP')
    .tick()
    .status(TASK, 'FAILED', report({ errors: both }));
  t.like(retried.step('backup', 0), { state: 'PENDING', attempt: 2 });
  const final = ticker('BACKUP')
    .tick()
    .status(TASK, 'FAILED', report({ errors: both.toReversed() }));
  t.like(final.step('backup', 0), { state: 'FAILED', error: { code: 'SSTABLE_CORRUPT' } });
});

for (const state of ['LOST', 'KILLED', 'FAILED'] as const) {
  test(`a task that ends as ${state} without a word is tried again and keeps Mesos's reason`, (t) => {
    const turned = ticker('BACKUP').tick().status(TASK, state, null, 'Executor terminated');
    t.like(turned.step('backup', 0), {
      state: 'PENDING',
      attempt: 2,
      taskId: null,
      error: { code: 'TASK_LOST', message: 'Executor terminated' },
    });
  });
}

test('a task that was killed from outside is tried again whatever its executor said', (t) => {
  const words = report({ errors: [error('ABORTED', 'killed')] });
  t.like(ticker('BACKUP').tick().status(TASK, 'KILLED', words).step('backup', 0), { state: 'PENDING', attempt: 2 });
});

test('what is known of a step stays known while it is tried again', (t) => {
  const turned = ticker('BACKUP')
    .tick()
    .progress(TASK, report({ bytesDone: 70 }))
    .status(TASK, 'LOST');
  t.is(turned.step('backup', 0).report?.bytesDone, 70);
  t.is(turned.tick(5_000).step('backup', 0).report?.bytesDone, 70);
});

test('a success forgets the failures before it', (t) => {
  const turned = ticker('BACKUP').tick().status(TASK, 'LOST').tick(5_000);
  t.is(turned.status(SECOND, 'FINISHED', report()).step('backup', 0).error, null);
});

test('an unreachable agent decides nothing', (t) => {
  const turned = ticker('BACKUP').tick();
  const before = turned.job;
  t.is(turned.status(TASK, 'UNREACHABLE').job, before);
  turned.now += 20_000;
  t.is(turned.status(TASK, 'RUNNING').step('backup', 0).state, 'RUNNING');
});

test('a task that ends well without a report at its end is tried again, whatever it told on its way', (t) => {
  const turned = ticker('BACKUP')
    .tick()
    .progress(TASK, report({ bytesDone: 1 }))
    .status(TASK, 'FINISHED');
  t.like(turned.step('backup', 0), { state: 'PENDING', attempt: 2, error: { code: 'TASK_LOST' } });
});

test('the record needs no report to be written', (t) => {
  const turned = ticker('BACKUP', 1).until('commit');
  turned.status(turned.step('commit', 0).taskId ?? '', 'FINISHED');
  t.is(turned.step('commit', 0).state, 'SUCCESS');
});

test("a scheduler's own absence counts against no step", (t) => {
  const turned = ticker('BACKUP', 2, { strategy: 'parallel', concurrency: 2 });
  turned.tick().status(TASK, 'RUNNING');
  turned.now += 10 * LIMITS.silenceMs;
  turned.job = resumed(turned.job, turned.now);
  turned.tick();
  t.deepEqual([...turned.kills], []);
  t.deepEqual(turned.active(), ['backup 0', 'backup 1']);
});

test('a resumed job without anything under way is the same job', (t) => {
  const { job } = ticker('BACKUP');
  t.is(resumed(job, START + 1), job);
});
