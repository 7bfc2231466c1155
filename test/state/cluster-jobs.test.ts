import test from 'ava';
import Database from 'better-sqlite3';
import { isFinished } from '../../src/jobs/result.ts';
import { withStep } from '../../src/jobs/steps.ts';
import { isStepActive, type ClusterJob } from '../../src/model/cluster-job.ts';
import { openState } from '../../src/state/database.ts';
import { error, report } from '../jobs/helpers.ts';
import { ticker, type Script } from '../jobs/ticker.ts';
import { newJob, newState, statePath } from './helpers.ts';

const failsOnce: Script = ({ phase, attempt }) =>
  phase === 'backup' && attempt === 1 ? error('TIMEOUT', 'slow', { keyspace: 'ks1' }) : undefined;

/** What a restarted scheduler may not know: since when it waits, when it heard of a step, how far a step at work is. */
function durable(job: ClusterJob | null): unknown {
  return job?.phases.map(({ steps, ...phase }) => ({
    ...phase,
    steps: steps.map((step) => ({
      ...step,
      lastSeen: 0,
      waitingSince: 0,
      report: isStepActive(step) ? null : step.report,
    })),
  }));
}

test('a job is as it was saved, at every moment of its life, and after a restart as well', (t) => {
  const path = statePath(t);
  let state = openState(path);
  t.teardown(() => state.close());
  const turned = ticker('BACKUP', 2, { snapshot: 'together', tables: ['ks1.t1'] });
  turned.job = state.jobs.insert(turned.job);
  let stored = turned.job;
  for (let count = 0; count < 100 && !isFinished(stored); count += 1) {
    turned.tick(1_000).end(failsOnce);
    state.jobs.save(turned.job, stored);
    stored = turned.job;
    t.deepEqual(state.jobs.get(stored.id), stored);
    state.close();
    state = openState(path);
    const again = state.jobs.get(stored.id);
    t.deepEqual(durable(again), durable(stored));
    t.deepEqual({ ...again, phases: [] }, { ...stored, phases: [] });
    // Time goes on for the job that the restarted scheduler knows.
    stored = again ?? stored;
    turned.job = stored;
  }
  t.true(isFinished(stored));
});

test('how far a step is costs no write, and its end is stored with all that came before', (t) => {
  const path = statePath(t);
  const state = openState(path);
  const ref = { phaseIndex: 0, stepIndex: 0 };
  const job = state.jobs.insert(newJob('BACKUP', 'u1'));
  const running = withStep(job, ref, { state: 'RUNNING', taskId: 'task', attempt: 2 });
  state.jobs.save(running, job);
  const reader = new Database(path, { readonly: true });
  t.teardown(() => reader.close());
  const changes = () => reader.pragma('data_version', { simple: true });
  const before = changes();
  const moved = withStep(running, ref, { lastSeen: 7, report: report({ bytesDone: 50 }) });
  state.jobs.save(moved, running);
  t.is(state.jobs.running(), moved);
  t.is(changes(), before);
  const ended = withStep(moved, ref, { state: 'SUCCESS', finished: 9 });
  state.jobs.save(ended, moved);
  t.not(changes(), before);
  state.close();
  const again = openState(path);
  t.teardown(() => again.close());
  t.deepEqual(again.jobs.running(), ended);
});

test('a save without knowing what is stored writes everything', (t) => {
  const { jobs } = newState(t);
  const job = jobs.insert(newJob('RESTORE', 'u1'));
  const changed = withStep(job, { phaseIndex: 4, stepIndex: 1 }, { state: 'SUCCESS', report: report() });
  jobs.save({ ...changed, aborted: true, abortNow: true, errors: [error('ABORTED', 'x')] });
  t.deepEqual(jobs.get(job.id), { ...changed, aborted: true, abortNow: true, errors: [error('ABORTED', 'x')] });
});

test('a phase that came later is stored as well', (t) => {
  const { jobs } = newState(t);
  const job = jobs.insert(newJob('BACKUP', 'u1'));
  const [first] = job.phases;
  t.truthy(first);
  const longer = { ...job, phases: [...job.phases, { ...first!, name: 'cleanup' as const }] };
  jobs.save(longer, job);
  t.deepEqual(jobs.get(job.id), longer);
});

test('jobs that an earlier scheduler ran are found', (t) => {
  const path = statePath(t);
  const first = openState(path);
  const ended = first.jobs.insert(newJob('BACKUP', 'u1', { finished: 1, result: 'SUCCESS' }));
  const running = first.jobs.insert(newJob('RESTORE', 'u2'));
  first.close();
  const second = openState(path);
  t.teardown(() => second.close());
  t.deepEqual(second.jobs.running(), running);
  const failed = { ...running, finished: 3, result: 'FAILURE' as const };
  second.jobs.save(failed, second.jobs.running() ?? undefined);
  t.is(second.jobs.running(), null);
  t.is(second.jobs.last('RESTORE'), failed);
  t.deepEqual(second.jobs.last('BACKUP'), ended);
  t.deepEqual(second.jobs.list(9), [failed, ended]);
});

test('only one job can be running', (t) => {
  const { jobs } = newState(t);
  const first = jobs.insert(newJob('BACKUP', 'u1'));
  t.throws(() => jobs.insert(newJob('RESTORE', 'u2')), { code: 'SQLITE_CONSTRAINT_UNIQUE' });
  t.is(jobs.running()?.id, first.id);
  jobs.save({ ...first, finished: 5, result: 'ABORTED' });
  t.is(jobs.running(), null);
  t.is(jobs.insert(newJob('RESTORE', 'u2')).id, first.id + 1);
});

test('a refused job leaves no phases behind', (t) => {
  const { jobs } = newState(t);
  const first = jobs.insert(newJob('BACKUP', 'u1'));
  t.throws(() => jobs.insert(newJob('BACKUP', 'u2')));
  t.deepEqual(jobs.list(10), [first]);
});

test('the last job of a type is the newest finished one, also when it was aborted or failed', (t) => {
  const { jobs } = newState(t);
  t.is(jobs.last('BACKUP'), null);
  jobs.insert(newJob('BACKUP', 'u1', { finished: 1, result: 'SUCCESS' }));
  const aborted = jobs.insert(newJob('BACKUP', 'u2', { finished: 2, result: 'ABORTED', aborted: true }));
  const restore = jobs.insert(newJob('RESTORE', 'u3', { finished: 3, result: 'FAILURE' }));
  const running = jobs.insert(newJob('BACKUP', 'u4'));
  t.deepEqual(jobs.last('BACKUP'), aborted);
  t.deepEqual(jobs.last('RESTORE'), restore);
  t.deepEqual(
    jobs.list(3).map(({ id }) => id),
    [running.id, restore.id, aborted.id],
  );
  t.is(jobs.get(99), null);
});
