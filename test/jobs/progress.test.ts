import test from 'ava';
import { progressOf } from '../../src/jobs/progress.ts';
import { emptyReport } from '../../src/model/step.ts';
import { check, error, id, manifest, report } from './helpers.ts';
import { ticker, type Ticker } from './ticker.ts';

function at(turned: Ticker, number: number, bytesDone: number, bytesTotal: number | null): void {
  const { taskId } = turned.step(turned.job.type === 'BACKUP' ? 'backup' : 'stage', number);
  turned.progress(taskId ?? '', report({ bytesDone, bytesTotal }));
}

test('a job that copies nothing is as far as its steps', (t) => {
  const turned = ticker('REPAIR', 2);
  t.is(progressOf(turned.job).progress, 0);
  turned.tick().end().tick();
  t.like(progressOf(turned.job), { progress: 0.5, bytesTotal: null, bytesDone: 0 });
  turned.run();
  t.is(progressOf(turned.job).progress, 1);
});

test('nothing is known before a node has told its size', (t) => {
  const turned = ticker('BACKUP', 2);
  t.like(progressOf(turned.job), { progress: null, bytesTotal: null, bytesDone: 0 });
  turned.tick();
  at(turned, 0, 0, null);
  t.like(progressOf(turned.job), { progress: null, bytesTotal: null, bytesDone: 0 });
});

test('a node of unknown size counts as the average one', (t) => {
  const turned = ticker('BACKUP', 2).tick();
  at(turned, 0, 50, 100);
  t.like(progressOf(turned.job), { progress: 0.25, bytesTotal: null, bytesDone: 50 });
});

test('progress is by bytes once all sizes are known', (t) => {
  const turned = ticker('BACKUP', 2, { strategy: 'parallel', concurrency: 2 }).tick();
  at(turned, 0, 50, 100);
  at(turned, 1, 150, 300);
  t.like(progressOf(turned.job), { progress: 0.5, bytesTotal: 400, bytesDone: 200 });
});

test('a restore knows its size from the checks', (t) => {
  const turned = ticker('RESTORE', 2).until('stage', ({ phase, executorId }) =>
    phase === 'check'
      ? { ...emptyReport(), check: check(executorId, [id(0), id(1)], { bytesNeeded: 500 }) }
      : undefined,
  );
  t.like(progressOf(turned.job), { progress: 0, bytesTotal: 1_000, bytesDone: 0 });
  at(turned, 0, 250, 500);
  t.like(progressOf(turned.job), { progress: 0.25, bytesTotal: 1_000, bytesDone: 250 });
});

test('progress is 1 only when the job has ended well', (t) => {
  const turned = ticker('BACKUP', 1).until('commit');
  t.like(progressOf(turned.job), { progress: 0.99, bytesTotal: 100, bytesDone: 100 });
  turned.run();
  t.like(progressOf(turned.job), { progress: 1, bytesTotal: 100, bytesDone: 100 });
});

test('a backup of empty tables has no progress by bytes until it is done', (t) => {
  const turned = ticker('BACKUP', 1).until('commit', ({ phase, executorId }) =>
    phase === 'backup' ? report({ bytesTotal: 0, bytesDone: 0, manifest: manifest(executorId) }) : undefined,
  );
  t.like(progressOf(turned.job), { progress: null, bytesTotal: 0, bytesDone: 0 });
  t.is(turned.run().result, 'SUCCESS');
  t.is(progressOf(turned.job).progress, 1);
});

test('what a failed node did not move is not moved in the end', (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run(({ phase, executorId }) =>
    phase === 'backup' && executorId === id(1) ? error('NO_SPACE', 'x') : undefined,
  );
  const half = progressOf({ ...turned.job, result: 'PARTIAL' });
  t.true(half.progress !== null && half.progress < 1);
});
