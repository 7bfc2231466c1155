import test from 'ava';
import { progressNews, transitions } from '../../src/jobs/job-news.ts';
import { abort } from '../../src/jobs/advance.ts';
import { onProgress } from '../../src/jobs/step-updates.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { emptyReport } from '../../src/model/step.ts';
import { id, nodes, planned, START } from './helpers.ts';
import { Ticker } from './ticker.ts';

const ring = nodes(2);
const RUNNING = 'task';

/** A backup whose first node is at work. */
function atWork(): ClusterJob {
  const job = planned('BACKUP', ring, { keyspaces: ['ks1'] });
  const phases = job.phases.map((phase) => ({
    ...phase,
    steps: phase.steps.map((step, index) =>
      phase.name === 'backup' && index === 0
        ? { ...step, state: 'RUNNING' as const, taskId: RUNNING, started: START }
        : step,
    ),
  }));
  return { ...job, phases };
}

const further = (job: ClusterJob, bytesDone: number): ClusterJob =>
  onProgress(job, RUNNING, { ...emptyReport(), bytesTotal: 100, bytesDone }, START + 1_000);

test('Who knows nothing yet is told the whole job, and who knows it nothing', (t) => {
  const job = atWork();
  t.deepEqual(
    transitions(null, job, ring).map(({ event }) => event),
    ['job'],
  );
  t.deepEqual(transitions(job, job, ring), []);
});

test('How far a step is comes as the fields that have changed, and as no transition', (t) => {
  const before = further(atWork(), 10);
  const after = further(before, 30);
  t.deepEqual(transitions(before, after, ring), []);
  const news = progressNews(before, after);
  t.like(news, { event: 'progress', data: { bytesDone: 30 } });
  t.false(news !== null && 'bytesTotal' in news.data);
  t.like(news?.data, { steps: [{ phase: 'backup', executorId: id(0), bytesDone: 30 }] });
  t.is(progressNews(after, after), null);
});

test('A step that ends and the phase that ends with it are told, whatever came in between', (t) => {
  const before = planned('BACKUP', ring, { keyspaces: ['ks1'] });
  const ticker = new Ticker(before, ring);
  while (ticker.job.phases[0]?.finished === null) ticker.tick(1_000).end();
  const news = transitions(before, ticker.job, ring).filter(({ event }) => event !== 'end');
  const first = news.filter(({ event, data }) => event === 'step' && 'phase' in data && data.phase === 'backup');
  t.deepEqual(
    first.map(({ data }) => 'state' in data && data.state),
    ['SUCCESS', 'SUCCESS'],
  );
  const phase = news.find(({ event, data }) => event === 'phase' && 'name' in data && data.name === 'backup');
  t.like(phase?.data, { state: 'SUCCESS' });
  t.false('steps' in (phase?.data ?? {}));
});

test('An abort changes the job itself, so that all of it is told again', (t) => {
  const job = atWork();
  const [news, ...more] = transitions(job, abort(job, false), ring);
  t.like(news, { event: 'job', data: { aborted: true } });
  t.deepEqual(more, []);
});

test('Whatever was missed, the end comes last and with the final job', (t) => {
  const before = planned('BACKUP', ring, { keyspaces: ['ks1'] });
  const ticker = new Ticker(before, ring);
  while (ticker.job.finished === null) ticker.tick(1_000).end();
  const fromNothing = transitions(null, ticker.job, ring);
  t.deepEqual(
    fromNothing.map(({ event }) => event),
    ['job', 'end'],
  );
  t.like(transitions(before, ticker.job, ring).at(-1), { event: 'end', data: { result: 'SUCCESS' } });
});
