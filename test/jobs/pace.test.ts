import test from 'ava';
import { launched, stepRequest, taskIdOf } from '../../src/jobs/next-steps.ts';
import { bandwidthOf, stepsToPace, withPace } from '../../src/jobs/pace.ts';
import { onProgress, onTaskStatus } from '../../src/jobs/step-updates.ts';
import type { ClusterJob, JobParameters } from '../../src/model/cluster-job.ts';
import { finish, refused, rig } from './rig.ts';
import { CLUSTER, id, LIMITS, nodes, planned, report, START } from './helpers.ts';
import { openState } from '../../src/state/database.ts';
import { statePath } from '../state/helpers.ts';

const MB = 1_000_000;

function parallel(count: number, parameters: Partial<JobParameters>): ClusterJob {
  return planned('BACKUP', nodes(count), { strategy: 'parallel', concurrency: count, ...parameters });
}

function launch(job: ClusterJob, step: number): ClusterJob {
  return launched(job, 0, step, taskIdOf(job, 0, step), START);
}

/** The step says that it goes by this limit. */
function goesBy(job: ClusterJob, step: number, bandwidth: number | null | undefined): ClusterJob {
  const said = report(bandwidth === undefined ? {} : { bandwidth });
  return onProgress(job, taskIdOf(job, 0, step), said, START);
}

/** What the first node may move while so many are at work, and what the next one will be told. */
function of(parameters: Partial<JobParameters>, atWork: number): (number | null)[] {
  let job = parallel(4, parameters);
  for (let step = 0; step < atWork; step += 1) job = launch(job, step);
  const own = bandwidthOf(job, { phaseIndex: 0, stepIndex: 0 });
  const next = stepRequest(job, 0, atWork, CLUSTER).bandwidth ?? null;
  return [own, next];
}

const limits = ({ parameters }: ClusterJob) => [parameters.bandwidth, parameters.clusterBandwidth];
const rates = (job: ClusterJob) => stepsToPace(job).map(({ executorId, bandwidth }) => [executorId, bandwidth]);

test('a node has its own limit, or its part of that of the cluster, whichever is less', (t) => {
  t.deepEqual(of({}, 1), [null, null]);
  t.deepEqual(of({ bandwidth: 5 * MB }, 1), [5 * MB, 5 * MB]);
  t.deepEqual(of({ clusterBandwidth: 12 * MB }, 1), [12 * MB, 6 * MB], 'the one to begin counts already');
  t.deepEqual(of({ clusterBandwidth: 12 * MB }, 3), [4 * MB, 3 * MB]);
  t.deepEqual(of({ clusterBandwidth: 12 * MB, bandwidth: 5 * MB }, 1), [5 * MB, 5 * MB]);
  t.deepEqual(of({ clusterBandwidth: 12 * MB, bandwidth: 5 * MB }, 2), [5 * MB, 4 * MB]);
  t.deepEqual(of({ clusterBandwidth: 1500 }, 2), [1000, 1000], 'none stands still');
});

test('only the phases that copy are limited', (t) => {
  const job = planned('RESTORE', nodes(1), { bandwidth: 5 * MB });
  const limited = job.phases.map(({ name }, phaseIndex) => [name, stepRequest(job, phaseIndex, 0, CLUSTER).bandwidth]);
  t.deepEqual(
    limited.filter(([, bandwidth]) => bandwidth !== undefined),
    [['stage', 5 * MB]],
  );
});

test('who begins and who ends changes the share of the others, who are told until they say that they go by it', (t) => {
  let job = launch(parallel(3, { clusterBandwidth: 12 * MB }), 0);
  t.deepEqual(rates(job), [], 'it has not been heard of yet');
  job = goesBy(job, 0, 12 * MB);
  t.deepEqual(rates(job), []);
  job = goesBy(launch(job, 1), 1, 6 * MB);
  t.deepEqual(rates(job), [[id(0), 6 * MB]]);
  t.deepEqual(rates(goesBy(job, 0, 12 * MB)), [[id(0), 6 * MB]], 'the message was lost');
  job = goesBy(job, 0, 6 * MB);
  t.deepEqual(rates(job), []);
  const end = { taskId: taskIdOf(job, 0, 1), state: 'FINISHED', message: null, report: report() } as const;
  t.deepEqual(rates(onTaskStatus(job, end, START, LIMITS)), [[id(0), 12 * MB]]);
});

test('one more node of many is not worth a message to all the others', (t) => {
  let job = parallel(100, { clusterBandwidth: 200 * MB });
  for (let step = 0; step < 99; step += 1) job = goesBy(launch(job, step), step, Math.floor((200 * MB) / 99));
  t.deepEqual(rates(job), []);
  t.deepEqual(rates(launch(job, 99)), []);
});

test('limits are changed one by one, and taken away', (t) => {
  const job = goesBy(launch(parallel(2, { bandwidth: 5 * MB }), 0), 0, 5 * MB);
  const both = withPace(job, { clusterBandwidth: 3 * MB });
  t.deepEqual(limits(both), [5 * MB, 3 * MB]);
  t.deepEqual(rates(both), [[id(0), 3 * MB]]);
  const none = withPace(withPace(both, { bandwidth: null }), { clusterBandwidth: null });
  t.deepEqual(limits(none), [undefined, undefined]);
  t.deepEqual(rates(none), [[id(0), null]]);
  t.deepEqual(rates(goesBy(none, 0, undefined)), [], 'an executor of an early version knows no limits');
});

test('a changed limit is kept over a restart of the scheduler, and a retry goes by it', async (t) => {
  const path = statePath(t);
  const state = openState(path);
  const made = rig(t, 1, state);
  const job = await made.jobs.start('BACKUP', { name: 'b1', bandwidth: 5 * MB });
  made.jobs.pace(job.id, { bandwidth: 2 * MB });
  t.true(made.wakes >= 2);
  state.close();
  const reopened = openState(path);
  t.teardown(() => reopened.close());
  const running = rig(t, 1, reopened).jobs.running()!;
  t.is(running.parameters.bandwidth, 2 * MB);
  t.is(stepRequest(running, 1, 0, CLUSTER).bandwidth, 2 * MB);
});

test('only a job that runs and copies can be limited', async (t) => {
  const made = rig(t, 1);
  await refused(t, (async () => made.jobs.pace(1, { bandwidth: MB }))(), 'NOT_FOUND');
  const backup = await made.jobs.start('BACKUP', { name: 'b1' });
  finish(made);
  await refused(t, (async () => made.jobs.pace(backup.id, { bandwidth: MB }))(), 'JOB_ENDED');
  const repair = await made.jobs.start('REPAIR', {});
  await refused(t, (async () => made.jobs.pace(repair.id, { bandwidth: MB }))(), 'BAD_REQUEST');
});
