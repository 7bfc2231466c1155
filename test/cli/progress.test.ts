import { PassThrough } from 'node:stream';
import test from 'ava';
import type { Output } from '../../src/cli/deps.ts';
import type { JobView, NodeView } from '../../src/cli/job-view.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { systemClock } from '../../src/clock.ts';

function aJob(changes: Partial<JobView> & { node?: number; current?: string }): JobView {
  const { node = 0, current = 'nb-1-big-Data.db', ...job } = changes;
  const step = { executorId: `cassandra.dev.node.${node}.executor`, state: 'RUNNING', attempt: 1, current };
  return {
    id: 1,
    type: 'BACKUP',
    backupName: 'b0',
    location: 'file:///backup',
    started: 1,
    finished: null,
    aborted: false,
    result: null,
    progress: 0,
    bytesTotal: 4096,
    bytesDone: 0,
    rate: null,
    eta: null,
    remainingNodes: [],
    currentNodes: [],
    completedNodes: [],
    phases: [{ name: 'backup', steps: [step] }],
    errors: [],
    ...job,
  };
}

function aNode(number: number): NodeView {
  return {
    executorId: `cassandra.dev.node.${number}.executor`,
    startedTimestamp: 1,
    finishedTimestamp: number === 0 ? 2 : null,
    processedKeyspaces: {},
    remainingKeyspaces: [],
  };
}

function progressOn(isTTY: boolean, quiet = false, columns = 200) {
  const stderr: Output & PassThrough = Object.assign(new PassThrough(), { isTTY, columns });
  let now = 0;
  const clock = { ...systemClock, now: () => (now += 1000) };
  const progress = createProgress({ stdout: new PassThrough(), stderr, url: null, token: null, clock }, quiet);
  return { progress, written: () => String(stderr.read() ?? '') };
}

test('Away from a terminal a line is written for every change, not for every poll', (t) => {
  const { progress, written } = progressOn(false);
  progress.update(aJob({}));
  progress.update(aJob({ bytesDone: 10, progress: 0.002, current: 'nb-2-big-Data.db' }));
  progress.update(aJob({ bytesDone: 1024, progress: 0.25, rate: 512, eta: 6000 }));
  progress.update(aJob({ bytesDone: 1024, progress: 0.25, node: 1, rate: 341 }));
  progress.stop();
  t.deepEqual(written().trim().split('\n'), [
    '0% | 0 B of 4.0 KiB | -/s | backup on cassandra.dev.node.0.executor',
    '25% | 1.0 KiB of 4.0 KiB | 512 B/s | 6s left | backup on cassandra.dev.node.0.executor',
    '25% | 1.0 KiB of 4.0 KiB | 341 B/s | backup on cassandra.dev.node.1.executor',
  ]);
});

test('On a terminal a bar shows bytes, rate, node and file', (t) => {
  const { progress, written } = progressOn(true);
  progress.update(aJob({}));
  progress.update(aJob({ bytesDone: 2048, progress: 0.5, rate: 2048, eta: 90_000 }));
  progress.stop();
  const text = written();
  t.regex(text, /0% \| 0 B of 4\.0 KiB/);
  t.regex(text, /50% \| 2\.0 KiB of 4\.0 KiB \| 2\.0 KiB\/s \| 1m 30s left \| backup on node\.0: nb-1-big-Data\.db/);
});

test('The bar never is longer than a line, and of a long path it shows the end', (t) => {
  const current = `shop/orders-${'0123456789abcdef'.repeat(2)}/nb-7-big-Data.db`;
  for (const [columns, work] of [
    [110, 'backup on node.0: …abcdef0123456789abcdef/nb-7-big-Data.db'],
    [80, 'backup on node.0'],
    [40, '-/s…'],
  ] as const) {
    const { progress, written } = progressOn(true, false, columns);
    progress.update(aJob({ current }));
    progress.stop();
    const line = written().split('\x1b[1G')[1]?.split('\x1b')[0] ?? '';
    t.true(line.length < columns && line.includes(work), line);
  }
});

test('A notice stays above the bar, which goes on below it', (t) => {
  const { progress, written } = progressOn(true);
  progress.update(aJob({}));
  written();
  progress.notice('The scheduler answers again.');
  // The bar's own line is cleared first.
  t.true(written().endsWith('\x1b[2KThe scheduler answers again.\n'));
  progress.update(aJob({ bytesDone: 2048, progress: 0.5 }));
  t.regex(written(), /50% \| 2\.0 KiB of 4\.0 KiB/);
  progress.stop();
});

test('A job of unknown size has a progress too', (t) => {
  const { progress, written } = progressOn(false);
  progress.update(aJob({ progress: null, bytesTotal: null, phases: [] }));
  t.is(written(), '0% | 0 B | -/s | waiting for a node\n');
});

test('Where no bytes are moved, nodes are counted', (t) => {
  const { progress, written } = progressOn(false);
  const { backupName: _name, location: _location, ...job } = aJob({ node: 1, progress: null, bytesTotal: null });
  progress.update({
    ...job,
    type: 'RESTART',
    phases: [{ ...job.phases[0], name: 'restart', steps: job.phases[0]?.steps ?? [] }],
    completedNodes: [aNode(0)],
    currentNodes: [aNode(1)],
    remainingNodes: ['cassandra.dev.node.2.executor'],
  });
  t.is(written(), '33% | 1 of 3 nodes | restart on cassandra.dev.node.1.executor\n');
});

test('Quiet means notices only', (t) => {
  const { progress, written } = progressOn(true, true);
  progress.update(aJob({}));
  progress.notice('The scheduler answers again.');
  progress.stop();
  t.is(written(), 'The scheduler answers again.\n');
});
