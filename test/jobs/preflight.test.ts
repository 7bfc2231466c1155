import test from 'ava';
import { backupRecord } from '../../src/jobs/backup-record.ts';
import { jobJson } from '../../src/jobs/job-json.ts';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import { jobErrors } from '../../src/jobs/shortfalls.ts';
import { emptyReport } from '../../src/model/step.ts';
import { CLUSTER, down, error, id, LIMITS, node, plannedWhole } from './helpers.ts';
import { launchOrder, Ticker, wholeTicker, type Script } from './ticker.ts';

const DENIED = error('STORAGE_FAILED', 'AccessDenied (403): no');

const denied =
  (...numbers: number[]): Script =>
  ({ phase, executorId }) =>
    phase === 'preflight' && numbers.some((number) => executorId === id(number)) ? DENIED : undefined;

const lost =
  (tries: number): Script =>
  ({ phase, attempt }) =>
    phase === 'preflight' && attempt <= tries ? 'LOST' : undefined;

function codes({ job }: Ticker): [string, string | null][] {
  return jobErrors(job).map(({ code, executorId }) => [code, executorId]);
}

/** Without the second node, which is down. */
function oneDown(): Ticker {
  const cluster = [node(0), down(1), node(2)];
  return new Ticker(plannedWhole('BACKUP', cluster), cluster);
}

test('all nodes look at the location at once, before the first of them does anything else', (t) => {
  const turned = wholeTicker('BACKUP', 2, { snapshot: 'together' });
  t.is(turned.run().result, 'SUCCESS');
  t.deepEqual(launchOrder(turned).slice(0, 4), ['preflight 0', 'preflight 1', 'snapshot 0', 'snapshot 1']);
  t.is(turned.job.phases.filter(({ finished }) => finished !== null).length, 5);
  t.is(stepRequest(turned.job, 2, 0, CLUSTER).preflightDue, undefined);
});

test('where no node can write the job ends there, with the reason of each and the store not tried again', (t) => {
  for (const type of ['BACKUP', 'ADOPT'] as const) {
    const turned = wholeTicker(type, 3);
    t.is(turned.run(denied(0, 1, 2)).result, 'FAILURE');
    t.deepEqual(launchOrder(turned), ['preflight 0', 'preflight 1', 'preflight 2']);
    t.deepEqual(
      codes(turned),
      [0, 1, 2].map((number) => ['STORAGE_FAILED', id(number)] as [string, string]),
    );
    t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED', 'SKIPPED']);
    t.false(turned.job.phases.some(({ name }) => name === 'cleanup'));
  }
});

test('a node that cannot write takes no part, is told with its reason and missing in the record', (t) => {
  const turned = wholeTicker('BACKUP', 3, { snapshot: 'together' }).until('backup', denied(1));
  t.deepEqual(turned.states('snapshot'), ['SUCCESS', 'SKIPPED', 'SUCCESS']);
  const json = jobJson(turned.job, turned.nodes);
  t.is(json.currentNode?.executorId, id(0));
  t.deepEqual(json.remainingNodes, [id(2)]);
  t.like(json.completedNodes[0], { executorId: id(1), failure: { failed: true, message: DENIED.message } });
  t.is(turned.run().result, 'PARTIAL');
  t.deepEqual(turned.states('backup'), ['SUCCESS', 'SKIPPED', 'SUCCESS']);
  t.deepEqual(turned.states('commit'), ['SUCCESS', 'SKIPPED', 'SUCCESS']);
  t.deepEqual(codes(turned), [['STORAGE_FAILED', id(1)]]);
  t.deepEqual(backupRecord(turned.job, CLUSTER).missing, [
    { executorId: id(1), keyspace: null, reason: DENIED.message },
  ]);
});

test('while the nodes look all are still to come, as for whatever is done for the whole cluster', (t) => {
  const turned = wholeTicker('BACKUP', 2).until('preflight');
  const json = jobJson(turned.job, turned.nodes);
  t.deepEqual([json.remainingNodes, json.currentNodes, json.completedNodes], [[id(0), id(1)], [], []]);
  t.like(json, { progress: null, bytesTotal: null, bytesDone: 0 });
});

test('what may pass is tried once more and no oftener, so that the job ends in seconds', (t) => {
  const away = error('STORAGE_UNAVAILABLE', 'connect ECONNREFUSED 127.0.0.1:9');
  const turned = wholeTicker('BACKUP', 1);
  t.is(turned.run(({ phase }) => (phase === 'preflight' ? away : undefined)).result, 'FAILURE');
  t.deepEqual(launchOrder(turned), ['preflight 0', 'preflight 0 try 2']);
  const back = wholeTicker('BACKUP', 1);
  t.is(back.run(({ phase, attempt }) => (phase === 'preflight' && attempt === 1 ? away : undefined)).result, 'SUCCESS');
});

test('a preflight whose task is lost is tried as often as any other step: that says nothing of the location', (t) => {
  const turned = wholeTicker('BACKUP', 1);
  t.is(turned.run(lost(LIMITS.retries)).result, 'SUCCESS');
  t.is(turned.step('preflight', 0).attempt, LIMITS.retries + 1);
  const never = wholeTicker('BACKUP', 1);
  t.is(never.run(lost(LIMITS.retries + 1)).result, 'FAILURE');
  t.deepEqual(codes(never), [['TASK_LOST', id(0)]]);
});

test('what a node says is wrong is told when it says so twice, whatever was lost before', (t) => {
  const outcomes = ['LOST', error('STORAGE_UNAVAILABLE', 'timed out'), error('STORAGE_UNAVAILABLE', 'reset')] as const;
  const turned = wholeTicker('BACKUP', 1);
  t.is(turned.run(({ attempt }) => outcomes[attempt - 1]).result, 'FAILURE');
  t.is(turned.step('preflight', 0).attempt, 3);
  t.is(turned.step('preflight', 0).error?.message, 'reset');
});

test('a node that is down keeps nobody waiting: it looks at the location when its turn to copy has come', (t) => {
  const turned = oneDown().tick().end().tick();
  t.deepEqual(turned.states('preflight'), ['SUCCESS', 'SKIPPED', 'SUCCESS']);
  t.deepEqual(turned.active(), ['backup 0']);
  turned.change(node(1));
  t.is(turned.run().result, 'SUCCESS');
  t.deepEqual(codes(turned), []);
  t.deepEqual(
    [0, 1, 2].map((number) => stepRequest(turned.job, 1, number, CLUSTER).preflightDue),
    [undefined, true, undefined],
  );
});

test('a node that stays down is told as ever', (t) => {
  const turned = oneDown();
  t.is(turned.run().result, 'PARTIAL');
  t.deepEqual(codes(turned), [['NODE_DOWN', id(1)]]);
});

test('where nobody who looked can write, a node that is down is not waited for either', (t) => {
  const turned = oneDown();
  const { result, finished, started } = turned.run(denied(0, 2));
  t.is(result, 'FAILURE');
  t.true((finished ?? Infinity) - started < LIMITS.nodeReadyMs);
  t.deepEqual(codes(turned), [
    ['STORAGE_FAILED', id(0)],
    ['NODE_DOWN', id(1)],
    ['STORAGE_FAILED', id(2)],
  ]);
});

test('as long as nobody has looked, nodes that are down have their time to come back', (t) => {
  const cluster = [node(0, { targetRunState: 'STOP' }), down(1)];
  const turned = new Ticker(plannedWhole('BACKUP', cluster), cluster).tick().tick(LIMITS.nodeReadyMs - 2_000);
  t.deepEqual(turned.states('preflight'), ['FAILED', 'PENDING']);
  turned.change(node(1));
  t.is(turned.run().result, 'PARTIAL');
  t.deepEqual(codes(turned), [['NODE_STOPPED', id(0)]]);
});

test('a node whose agent offers no room does not keep the others waiting for long', (t) => {
  const turned = wholeTicker('BACKUP', 2, { strategy: 'parallel', concurrency: 2 }).tick();
  turned.offers = false;
  const [first, second] = turned.tasks().map(({ step }) => step.taskId ?? '');
  turned.status(first ?? '', 'FINISHED', emptyReport());
  turned.status(second ?? '', 'LOST');
  turned.tick(LIMITS.backoffMs).tick(LIMITS.cleanupMs - 1);
  t.deepEqual(turned.states('preflight'), ['SUCCESS', 'PENDING']);
  turned.tick(1);
  t.deepEqual(turned.states('preflight'), ['SUCCESS', 'SKIPPED']);
});

test('a preflight of which nothing is heard is ended soon', (t) => {
  const turned = wholeTicker('BACKUP', 1).tick().tick(LIMITS.cleanupMs);
  t.deepEqual([...turned.kills], [`${id(0)}.BACKUP.7.preflight.1`]);
});

test('an abort ends the job after the preflight, and a preflight that it left out is no success', (t) => {
  const turned = wholeTicker('BACKUP', 2).tick().abort().end();
  t.is(turned.tick().job.result, 'ABORTED');
  t.deepEqual(turned.states('backup'), ['SKIPPED', 'SKIPPED']);
  const early = oneDown();
  early.offers = false;
  t.is(early.tick().abort().tick().job.result, 'ABORTED');
});
