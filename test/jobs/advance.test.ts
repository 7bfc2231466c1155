import test from 'ava';
import { abort, advance, stepsToKill } from '../../src/jobs/advance.ts';
import { error, goodReport, id, LIMITS, report, START } from './helpers.ts';
import { launchOrder, ticker, type Script } from './ticker.ts';

const TASK = 'cassandra.test.node.0.executor.BACKUP.7.backup.1';

const hangs: Script = () => 'HANG';

test('nothing changes while there is nothing to decide', (t) => {
  const turned = ticker('BACKUP').tick();
  t.is(advance(turned.job, turned.nodes, turned.now + 1_000, LIMITS), turned.job);
});

test('a task that is silent for too long is killed, and its KILLED brings the next attempt', (t) => {
  const turned = ticker('BACKUP').tick().status(TASK, 'RUNNING');
  turned.tick(LIMITS.silenceMs - 1);
  t.deepEqual([...turned.kills], []);
  turned.tick(1);
  t.deepEqual([...turned.kills], [TASK]);
  t.is(turned.step('backup', 0).state, 'RUNNING');
  turned.status(TASK, 'KILLED');
  t.like(turned.step('backup', 0), { state: 'PENDING', attempt: 2 });
});

test('a task that does not even end when it is killed is given up as lost', (t) => {
  const turned = ticker('BACKUP').tick().tick(LIMITS.silenceMs);
  turned.tick(LIMITS.killMs - 1);
  t.is(turned.step('backup', 0).state, 'LAUNCHING');
  turned.tick(1);
  t.like(turned.step('backup', 0), { state: 'PENDING', attempt: 2, killSince: null });
  t.regex(turned.step('backup', 0).error?.message ?? '', /No sign of life of the task for 40 s/);
});

test('a task that speaks again while it should be killed may go on', (t) => {
  const turned = ticker('BACKUP').tick().tick(LIMITS.silenceMs).progress(TASK, report());
  turned.tick(LIMITS.killMs);
  t.is(turned.step('backup', 0).state, 'RUNNING');
  t.deepEqual(stepsToKill(turned.job, turned.now, LIMITS), []);
});

test("the master's word that a silent task runs does not save it: only the task's own does", (t) => {
  const turned = ticker('BACKUP').tick().tick(LIMITS.silenceMs).status(TASK, 'RUNNING');
  t.deepEqual(stepsToKill(turned.job, turned.now, LIMITS), [TASK]);
  turned.tick(LIMITS.killMs);
  t.like(turned.step('backup', 0), { state: 'PENDING', attempt: 2 });
});

test('a node that never answers ends as failed in bounded time, and the backup goes on to PARTIAL', (t) => {
  const turned = ticker('BACKUP');
  const job = turned.run(({ executorId, phase }) => (phase === 'backup' && executorId === id(1) ? 'HANG' : undefined));
  t.is(job.result, 'PARTIAL');
  t.like(turned.step('backup', 1), { state: 'FAILED', attempt: 4, error: { code: 'TASK_LOST' } });
  const worst = 4 * (LIMITS.silenceMs + LIMITS.killMs) + 3 * LIMITS.backoffMaxMs + LIMITS.silenceMs;
  t.true(turned.now - START < worst);
});

test('an abort lets the running step end and begins no other', (t) => {
  const turned = ticker('BACKUP').tick().end().tick().abort();
  turned.tick(1_000);
  t.deepEqual(turned.active(), ['backup 1']);
  t.is(turned.job.finished, null);
  turned.end().tick(1_000);
  t.like(turned.job, { result: 'ABORTED', aborted: true, finished: turned.now });
  t.deepEqual(turned.states('backup'), ['SUCCESS', 'SUCCESS', 'SKIPPED']);
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED', 'SKIPPED']);
  t.deepEqual([...turned.kills], []);
});

test('an abort ends a job at once whose nodes are all waited for', (t) => {
  const turned = ticker('BACKUP');
  turned.nodes = [];
  t.is(turned.abort().tick().job.result, 'ABORTED');
});

test('an abort now kills the running steps, and ends when they have ended', (t) => {
  const turned = ticker('BACKUP', 3, { strategy: 'parallel', concurrency: 2 }).tick().abort(true);
  t.is(stepsToKill(turned.job, turned.now, LIMITS).length, 2);
  turned.tick(100);
  t.is(turned.kills.size, 2);
  turned.end(() => 'KILLED').tick(100);
  t.is(turned.step('backup', 0).error?.code, 'ABORTED');
  t.is(turned.run().result, 'ABORTED');
});

test('an abort now ends also when a killed task goes on talking for ever', (t) => {
  const turned = ticker('BACKUP').tick().status(TASK, 'RUNNING').abort(true);
  for (let count = 0; count < 11; count += 1) {
    turned.tick(1_000);
    if (turned.step('backup', 0).state === 'RUNNING') turned.progress(TASK, report());
  }
  t.is(turned.step('backup', 0).state, 'FAILED');
  t.is(turned.run().result, 'ABORTED');
});

test('an abort now of a task that was never seen is patient for the time of a kill', (t) => {
  const turned = ticker('BACKUP').tick();
  turned.now += LIMITS.silenceMs - 1;
  turned.abort(true).tick();
  t.is(turned.step('backup', 0).state, 'LAUNCHING');
  turned.tick(LIMITS.killMs);
  t.is(turned.step('backup', 0).state, 'FAILED');
});

test('a step that fails while its job is being aborted is not tried again', (t) => {
  const turned = ticker('BACKUP').tick().abort();
  turned.end(() => error('TIMEOUT', 'slow')).tick();
  t.like(turned.step('backup', 0), { state: 'FAILED', error: { code: 'TIMEOUT' } });
  t.is(turned.job.result, 'ABORTED');
});

test('an abort that came too late to stop anything leaves the result as it is', (t) => {
  const turned = ticker('BACKUP').until('commit').abort().end().tick();
  t.like(turned.job, { result: 'SUCCESS', aborted: true });
});

test('abort can be made stricter and not milder', (t) => {
  const { job } = ticker('BACKUP').tick();
  const aborted = abort(job, false);
  t.like(aborted, { aborted: true, abortNow: false });
  t.is(abort(aborted, false), aborted);
  const now = abort(aborted, true);
  t.true(now.abortNow);
  t.is(abort(now, false), now);
});

test('a finished job never changes again', (t) => {
  const turned = ticker('BACKUP', 1);
  const job = turned.run();
  t.is(abort(job, true), job);
  t.is(advance(job, [], turned.now + 1e9, LIMITS), job);
  t.deepEqual(stepsToKill(job, turned.now + 1e9, LIMITS), []);
});

test('a job survives its scheduler at every moment', (t) => {
  const turned = ticker('RESTORE', 2);
  for (let count = 0; count < 200 && turned.job.finished === null; count += 1) {
    turned.tick(500);
    turned.job = JSON.parse(JSON.stringify(turned.job)) as typeof turned.job;
    for (const { phase, step } of turned.tasks()) {
      const done = goodReport(turned.job, phase, step.executorId);
      turned.status(step.taskId ?? '', step.state === 'LAUNCHING' ? 'RUNNING' : 'FINISHED', done);
    }
  }
  t.is(turned.job.result, 'SUCCESS');
  t.is(launchOrder(turned).length, 9);
});

test('a job all of whose tasks hang ends', (t) => {
  t.is(ticker('BACKUP').run(hangs).result, 'FAILURE');
  t.is(ticker('RESTORE').run(hangs).result, 'FAILURE');
});
