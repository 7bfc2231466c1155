import test from 'ava';
import { isFinished } from '../../src/jobs/result.ts';
import { withStep } from '../../src/jobs/steps.ts';
import type { NewJob } from '../../src/model/cluster-job.ts';
import type { JobType } from '../../src/model/phase.ts';
import { error, nodes, planned, report } from '../jobs/helpers.ts';
import { ticker, type Script } from '../jobs/ticker.ts';
import { newState } from './helpers.ts';

function newJob(type: JobType, uuid: string, change: Partial<NewJob> = {}): NewJob {
  const { id: _id, ...job } = planned(type, nodes(2), { snapshot: 'together', keyspaces: ['ks1'] });
  return { ...job, uuid, ...change };
}

const failsOnce: Script = ({ phase, attempt }) =>
  phase === 'backup' && attempt === 1 ? error('TIMEOUT', 'slow', { keyspace: 'ks1' }) : undefined;

test('a job comes back whole, at every moment of its life', (t) => {
  const { jobs } = newState(t);
  const turned = ticker('BACKUP', 2, { snapshot: 'together', tables: ['ks1.t1'] });
  turned.job = jobs.insert(turned.job);
  let stored = turned.job;
  t.deepEqual(jobs.get(stored.id), stored);
  for (let count = 0; count < 100 && !isFinished(stored); count += 1) {
    turned.tick(1_000).end(failsOnce);
    jobs.save(turned.job, stored);
    stored = turned.job;
    t.deepEqual(jobs.get(stored.id), stored);
  }
  t.true(isFinished(stored));
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
