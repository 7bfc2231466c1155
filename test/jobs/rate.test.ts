import test from 'ava';
import { onProgress } from '../../src/jobs/step-updates.ts';
import { launched, taskIdOf } from '../../src/jobs/next-steps.ts';
import { nodeProgress, progressOf } from '../../src/jobs/progress.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { nodes, planned, report, START } from './helpers.ts';

/** A backup of two nodes at once, both at work. */
function begun(): ClusterJob {
  const job = planned('BACKUP', nodes(2), { strategy: 'parallel', concurrency: 2 });
  return [0, 1].reduce((current, step) => launched(current, 0, step, taskIdOf(current, 0, step), START), job);
}

function told(job: ClusterJob, step: number, at: number, bytesDone: number): ClusterJob {
  return onProgress(
    job,
    taskIdOf(job, 0, step),
    report({ bytesTotal: 10_000, bytesDone, bandwidth: 2000 }),
    START + at,
  );
}

function of(job: ClusterJob, node: number) {
  const step = job.phases[0]?.steps[node];
  if (!step) throw new Error('no such step');
  return nodeProgress(step);
}

test('rate and time left are unknown until two reports have come, and then follow the last ten seconds', (t) => {
  let job = told(begun(), 0, 0, 1000);
  t.like(of(job, 0), { rate: null, eta: null, bytesDone: 1000, bytesTotal: 10_000, bandwidth: 2000 });
  job = told(job, 0, 1000, 1500);
  t.like(of(job, 0), { rate: 500, eta: 17_000 });
  for (let second = 2; second <= 20; second += 1) job = told(job, 0, second * 1000, 1500 + second * 100);
  t.like(of(job, 0), { rate: 100, eta: 65_000 }, 'the faster beginning is forgotten');
});

test('a node that stands still has the rate 0, and nobody knows when it will end', (t) => {
  let job = begun();
  for (let second = 0; second <= 12; second += 1) job = told(job, 0, second * 1000, 1000);
  t.like(of(job, 0), { rate: 0, eta: null });
});

test('a clock that is set back, and an attempt that begins anew, make the rate unknown and never negative', (t) => {
  const before = told(told(begun(), 0, 0, 1000), 0, 1000, 2000);
  t.is(of(told(before, 0, -3_600_000, 3000), 0).rate, null);
  t.is(of(told(before, 0, 2000, 100), 0).rate, null);
  const after = told(told(before, 0, -3_600_000, 3000), 0, -3_599_000, 3700);
  t.is(of(after, 0).rate, 700);
});

test('the job has the rate of all its nodes together, and no rate once it has ended', (t) => {
  let job = told(told(begun(), 0, 0, 0), 1, 0, 0);
  t.like(progressOf(job), { rate: null, eta: null });
  job = told(told(job, 0, 2000, 1000), 1, 2000, 3000);
  t.like(progressOf(job), { rate: 2000, eta: 8000, bytesDone: 4000, bytesTotal: 20_000, filesDone: 2, filesTotal: 2 });
  const steps = job.phases[0]?.steps.map((step) => ({ ...step, state: 'SUCCESS' as const })) ?? [];
  const ended = { ...job, phases: job.phases.with(0, { ...job.phases[0]!, steps }) };
  t.like(progressOf(ended), { rate: null, eta: null });
  t.like(of(ended, 0), { rate: null, eta: null, bandwidth: null, current: null });
});
