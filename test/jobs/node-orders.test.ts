import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { nextSteps } from '../../src/jobs/next-steps.ts';
import { resumed } from '../../src/jobs/step-updates.ts';
import { stepsToKill } from '../../src/jobs/advance.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { down, health, id, LIMITS, node, nodes, planned } from './helpers.ts';
import { rig } from './rig.ts';
import { Ticker, ticker } from './ticker.ts';

/** What the scheduler makes of the order: the server ends, and another one is launched. */
function stopped({ number }: ClusterNode): ClusterNode {
  return node(number, { serverState: 'NONE', serverTaskId: null, health: null, healthAt: null });
}

function back({ number }: ClusterNode, now: number): ClusterNode {
  return node(number, { serverTaskId: `${id(number)}.server.2`, launches: 2, health: health(number), healthAt: now });
}

/** Every node that runs tells once more how it is. */
function heard(turned: Ticker): Ticker {
  for (const one of turned.nodes) if (one.serverState === 'RUNNING') turned.change({ ...one, healthAt: turned.now });
  return turned;
}

/** Nodes that are told to restart. */
function ordered({ nodes: all }: Ticker): number[] {
  return all.filter(({ targetRunState }) => targetRunState === 'RESTART').map(({ number }) => number);
}

/** Obeys the orders that were given, until the job has ended. */
function obey(turned: Ticker): Ticker {
  for (let count = 0; count < 100 && turned.job.finished === null; count += 1) {
    turned.tick(1_000);
    const told = ordered(turned).map((number) => turned.node(number));
    for (const one of told) turned.change(stopped(one));
    turned.tick(1_000);
    for (const one of told) turned.change(back(one, turned.now));
    heard(turned);
  }
  return turned;
}

test('a rolling restart restarts one node after the other, each once the one before is NORMAL again', (t) => {
  const turned = ticker('RESTART', 3).tick();
  t.deepEqual(ordered(turned), [0]);
  t.like(turned.step('restart', 0), { state: 'RUNNING', taskId: null, started: turned.now });
  turned.tick(1_000);
  t.deepEqual(turned.states('restart'), ['RUNNING', 'PENDING', 'PENDING']);
  turned.change(stopped(turned.node(0))).tick(1_000);
  t.deepEqual([ordered(turned), turned.states('restart')], [[], ['RUNNING', 'PENDING', 'PENDING']]);
  heard(turned.change(back(turned.node(0), turned.now))).tick(1_000);
  t.deepEqual([ordered(turned), turned.states('restart')], [[1], ['SUCCESS', 'RUNNING', 'PENDING']]);
  obey(turned);
  t.is(turned.job.result, 'SUCCESS');
  t.deepEqual(turned.launches, []);
});

test('the JSON of a rolling restart names the nodes, and nothing of a backup', (t) => {
  const turned = ticker('RESTART', 2).tick();
  const running = jobJson(turned.job, turned.nodes);
  t.deepEqual([running.currentNode?.executorId, running.remainingNodes], [id(0), [id(1)]]);
  t.false('backupName' in running || 'location' in running);
  const done = jobJson(obey(turned).job, turned.nodes);
  t.like(done, { type: 'RESTART', result: 'SUCCESS', progress: 1, errors: [], remainingNodes: [], currentNode: null });
  t.deepEqual(
    done.completedNodes.map(({ executorId, processedKeyspaces }) => ({ executorId, processedKeyspaces })),
    [0, 1].map((number) => ({ executorId: id(number), processedKeyspaces: {} })),
  );
});

test('no restart begins while any other member is not up, also one that takes no part', (t) => {
  const cluster = [node(0), node(1), down(2)];
  const turned = new Ticker(planned('RESTART', cluster, { nodes: [id(0), id(1)] }), cluster).tick(1_000);
  t.deepEqual([ordered(turned), turned.states('restart')], [[], ['PENDING', 'PENDING']]);
  turned.change(node(2)).tick(1_000);
  t.deepEqual(ordered(turned), [0]);
});

test('a node that was replaced is no member: nobody waits for it', (t) => {
  const cluster = [node(0), node(1), { ...down(2), targetRunState: 'TERMINATE' as const }];
  const turned = obey(new Ticker(planned('RESTART', cluster), cluster));
  t.deepEqual(turned.states('restart'), ['SUCCESS', 'SUCCESS']);
});

test('several nodes are down at once only where the operator said how many', (t) => {
  const turned = ticker('RESTART', 4, { strategy: 'parallel', concurrency: 2 }).tick();
  t.deepEqual(ordered(turned), [0, 1]);
  turned
    .change(stopped(turned.node(0)))
    .change(stopped(turned.node(1)))
    .tick(1_000);
  t.deepEqual(ordered(turned), []);
  heard(turned.change(back(turned.node(1), turned.now))).tick(1_000);
  t.deepEqual(ordered(turned), [2]);
});

test('health that the old server told is no proof that the new one is up', (t) => {
  const turned = ticker('RESTART', 1).tick();
  turned.change({ ...back(turned.node(0), turned.now - 1) }).tick(1_000);
  t.deepEqual(turned.states('restart'), ['RUNNING']);
});

test('a restart has ended when the node and all others see each other as up, by words from after its start', (t) => {
  const turned = ticker('RESTART', 3).tick();
  turned.change(stopped(turned.node(0))).tick(1_000);
  turned.change(back(turned.node(0), turned.now)).tick(1_000);
  t.deepEqual(turned.states('restart'), ['RUNNING', 'PENDING', 'PENDING'], 'the others have said nothing since');
  heard(turned).change({ ...turned.node(2), health: health(2, { liveNodes: ['127.0.0.2', '127.0.0.3'] }) });
  t.deepEqual(turned.tick(1_000).states('restart'), ['RUNNING', 'PENDING', 'PENDING'], 'one takes it for dead');
  heard(turned.change(node(2)).change({ ...turned.node(0), health: health(0, { liveNodes: ['127.0.0.1'] }) }));
  t.deepEqual(turned.tick(1_000).states('restart'), ['RUNNING', 'PENDING', 'PENDING'], 'it takes the others for dead');
  turned.tick(LIMITS.nodeReadyMs);
  t.regex(
    turned.step('restart', 0).error?.message ?? '',
    /node\.0\.executor and .*node\.1\.executor do not see each other/,
  );
});

test('a node that does not come back fails its restart with what is known, and the others are spared', (t) => {
  const turned = ticker('RESTART', 3).tick();
  turned.change({ ...stopped(turned.node(0)), lastError: 'exit code 1' }).tick(LIMITS.nodeReadyMs);
  t.like(turned.step('restart', 0), { state: 'FAILED', error: { code: 'TIMEOUT' } });
  t.regex(turned.step('restart', 0).error?.message ?? '', /60 s.*exit code 1/);
  turned.tick(LIMITS.nodeReadyMs);
  t.deepEqual(ordered(turned), []);
  t.deepEqual(turned.states('restart'), ['FAILED', 'FAILED', 'FAILED']);
  t.regex(turned.step('restart', 2).error?.message ?? '', /node\.0\.executor has server state NONE/);
  t.is(turned.job.result, 'FAILURE');
});

test('a restart that nobody carries out ends as well', (t) => {
  const turned = ticker('RESTART', 1).tick().tick(LIMITS.nodeReadyMs);
  t.regex(turned.step('restart', 0).error?.message ?? '', /it still runs as .*node\.0\.executor\.server/);
});

test('a node that the operator stops during its restart ends it, and no other node is restarted while it is down', (t) => {
  const turned = ticker('RESTART', 2).tick();
  turned.change({ ...stopped(turned.node(0)), targetRunState: 'STOP' }).tick(1_000);
  t.deepEqual(
    [0, 1].map((number) => turned.step('restart', number).error?.code),
    ['NODE_STOPPED', 'NODE_STOPPED'],
  );
  t.is(turned.tick().job.result, 'FAILURE');
});

test('the time that the scheduler was away is not held against a restart', (t) => {
  const turned = ticker('RESTART', 1).tick();
  turned.now += 10 * LIMITS.nodeReadyMs;
  turned.job = resumed(turned.job, turned.now);
  turned.change(stopped(turned.node(0))).tick(1_000);
  t.deepEqual(turned.states('restart'), ['RUNNING']);
  turned
    .change(back(turned.node(0), turned.now))
    .tick()
    .tick();
  t.is(turned.job.result, 'SUCCESS');
});

test('an abort finishes the restart under way and begins no other', (t) => {
  const turned = ticker('RESTART', 2).tick().abort(true).tick(LIMITS.silenceMs);
  t.deepEqual(stepsToKill(turned.job, turned.now, LIMITS), []);
  t.deepEqual(turned.states('restart'), ['RUNNING', 'SKIPPED']);
  heard(turned.change(back(turned.node(0), turned.now))).tick();
  t.deepEqual([turned.states('restart'), turned.job.result], [['SUCCESS', 'SKIPPED'], 'ABORTED']);
});

test('a restart is never offered as a task', (t) => {
  const cluster = nodes(2);
  t.deepEqual(nextSteps(planned('RESTART', cluster), cluster, 0), []);
});

test('a node leaves the ring by itself, and then nothing of it is to stay', (t) => {
  const turned = ticker('REMOVE', 3, { nodes: [id(2)] }).tick();
  t.deepEqual(turned.active(), ['decommission 2']);
  turned.change(node(2, { health: health(2, { operationMode: 'LEAVING' }) })).tick(1_000);
  t.is(turned.node(2).targetRunState, 'RUN');
  turned.end().tick();
  t.like(turned.node(2), { targetRunState: 'TERMINATE', deleteData: true, seed: false });
  t.like(turned.job, { result: 'SUCCESS', finished: turned.now });
});

test('a decommission is not cut short by an abort, which comes too late', (t) => {
  const turned = ticker('REMOVE', 2, { nodes: [id(1)] })
    .tick()
    .abort(true)
    .tick();
  t.deepEqual(stepsToKill(turned.job, turned.now, LIMITS), []);
  turned.end().tick();
  t.deepEqual([turned.job.result, turned.node(1).targetRunState], ['SUCCESS', 'TERMINATE']);
});

test('a decommission whose task was lost goes on while the node is leaving', (t) => {
  const turned = ticker('REMOVE', 2, { nodes: [id(1)] }).tick();
  turned.change(node(1, { health: health(1, { operationMode: 'LEAVING' }) }));
  turned.status(turned.launches[0] ?? '', 'LOST').tick(LIMITS.backoffMs);
  t.deepEqual(turned.active(), ['decommission 1']);
});

test('a decommission that Cassandra refuses leaves the node where it is', (t) => {
  const turned = ticker('REMOVE', 2, { nodes: [id(1)] }).tick();
  const words = { executorId: id(1), keyspace: null, table: null, code: 'BAD_REQUEST', message: 'not enough replicas' };
  turned.end(() => words).tick();
  t.deepEqual([turned.job.result, turned.node(1)], ['FAILURE', node(1)]);
});

test('a node that never joined is taken off at once', async (t) => {
  const made = rig(t, 2);
  made.state.nodes.save(node(1, { serverState: 'NONE', serverTaskId: null, health: null, bootstrapped: false }));
  const { id: jobId } = await made.jobs.start('REMOVE', { nodes: [id(1)] });
  t.like(made.jobs.tick(LIMITS), { id: jobId, result: 'SUCCESS' });
  t.like(made.state.nodes.get(id(1)), { targetRunState: 'TERMINATE', deleteData: true });
  t.is(made.jobs.tick(LIMITS), null);
});

test('a restart and its order are stored together, and go on after the scheduler was started anew', async (t) => {
  const made = rig(t, 2);
  await made.jobs.start('RESTART', {});
  made.jobs.tick(LIMITS);
  t.is(made.state.nodes.get(id(0))?.targetRunState, 'RESTART');
  t.is(made.state.jobs.running()?.phases[0]?.steps[0]?.state, 'RUNNING');
  const before = made.state.jobs.running();
  t.is(made.jobs.tick(LIMITS)?.phases[0]?.steps[0]?.state, before?.phases[0]?.steps[0]?.state);
});
