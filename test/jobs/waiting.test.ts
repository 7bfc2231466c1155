import test from 'ava';
import { jobErrors } from '../../src/jobs/shortfalls.ts';
import { down, health, id, LIMITS, node, nodes, planned, START } from './helpers.ts';
import { Ticker, ticker } from './ticker.ts';

test('a node that is down has its time to come back, and then fails with what is known of it', (t) => {
  const cluster = [node(0), node(1, { serverState: 'NONE', lastError: 'exit code 137', healthAt: START - 5_000 })];
  const turned = new Ticker(planned('BACKUP', cluster, { strategy: 'parallel', concurrency: 2 }), cluster);
  turned.tick(1_000).tick(LIMITS.nodeReadyMs - 1);
  t.is(turned.step('backup', 1).state, 'PENDING');
  turned.tick(1);
  const { state, error, started, finished } = turned.step('backup', 1);
  t.like({ state, started, finished }, { state: 'FAILED', started: null, finished: turned.now });
  t.like(error, { code: 'NODE_DOWN', executorId: id(1) });
  t.is(
    error?.message,
    `Waited 60 s for the node to be ready: ${id(1)} has server state NONE, Cassandra said NORMAL 66 s ago, last error: exit code 137`,
  );
});

test('a node that was never heard of is told apart from one that was', (t) => {
  const cluster = [node(0, { serverState: 'LAUNCHING', health: null, healthAt: null })];
  const turned = new Ticker(planned('BACKUP', cluster), cluster).tick().tick(LIMITS.nodeReadyMs);
  t.regex(turned.step('backup', 0).error?.message ?? '', /has server state LAUNCHING, Cassandra was never heard of$/);
});

test('a running node that is not NORMAL is waited for too', (t) => {
  const cluster = [node(0, { health: health(0, { operationMode: 'DRAINED' }) })];
  const turned = new Ticker(planned('BACKUP', cluster), cluster).tick().tick(LIMITS.nodeReadyMs);
  t.regex(turned.step('backup', 0).error?.message ?? '', /server state RUNNING, Cassandra said DRAINED/);
});

test('the time counts from the turn of the step and not from the start of the job', (t) => {
  const cluster = [node(0), down(1)];
  const turned = new Ticker(planned('BACKUP', cluster), cluster).tick();
  const { taskId } = turned.step('backup', 0);
  for (let count = 0; count < 10; count += 1) turned.tick(LIMITS.silenceMs - 1).status(taskId ?? '', 'RUNNING');
  t.like(turned.step('backup', 1), { state: 'PENDING', waitingSince: null });
  turned.end().tick();
  t.is(turned.step('backup', 1).waitingSince, turned.now);
});

test('several nodes that are down are waited for together', (t) => {
  const cluster = [down(0), down(1), down(2)];
  const turned = new Ticker(planned('BACKUP', cluster), cluster).tick().tick(LIMITS.nodeReadyMs);
  t.deepEqual(turned.states('backup'), ['FAILED', 'FAILED', 'FAILED']);
  t.is(turned.job.result, 'FAILURE');
  t.deepEqual(
    jobErrors(turned.job).map(({ code, executorId }) => [code, executorId]),
    [0, 1, 2].map((number) => ['NODE_DOWN', id(number)]),
  );
});

test('a node that the operator stopped fails at once', (t) => {
  const cluster = [node(0), node(1, { targetRunState: 'STOP' })];
  const turned = new Ticker(planned('BACKUP', cluster), cluster).tick();
  t.like(turned.step('backup', 1), { state: 'FAILED', error: { code: 'NODE_STOPPED' } });
  t.is(turned.run().result, 'PARTIAL');
});

test('a node that left the cluster fails at once', (t) => {
  const turned = ticker('BACKUP', 2);
  turned.nodes = nodes(1);
  turned.tick();
  t.like(turned.step('backup', 1), { state: 'FAILED', error: { code: 'NODE_DOWN' } });
  t.regex(turned.step('backup', 1).error?.message ?? '', /not part of the cluster any more/);
});

test('a step whose agent never offers room fails in bounded time', (t) => {
  const turned = ticker('BACKUP', 1);
  turned.offers = false;
  turned.tick().tick(LIMITS.nodeReadyMs - 1);
  t.is(turned.step('backup', 0).state, 'PENDING');
  turned.tick(1);
  t.like(turned.step('backup', 0), { state: 'FAILED', error: { code: 'TIMEOUT' } });
  t.regex(turned.step('backup', 0).error?.message ?? '', /offer of the node's agent/);
});

test('truncation fails by the name of the node that went away, with every table untouched', (t) => {
  const turned = ticker('RESTORE', 2);
  while (turned.states('stage').join() !== 'SUCCESS,SUCCESS') turned.tick(1_000).end();
  turned.nodes = [node(0), down(1)];
  turned.tick().tick(LIMITS.nodeReadyMs);
  t.is(turned.job.result, 'FAILURE');
  t.is(turned.step('truncate', 0).started, null);
  t.regex(turned.step('truncate', 0).error?.message ?? '', /node\.1\.executor has server state NONE/);
  t.false(jobErrors(turned.job).some(({ message }) => /runcated and not loaded/.test(message)));
});
