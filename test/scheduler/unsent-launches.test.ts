import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { defaultLimits as limits } from '../../src/jobs/limits.ts';
import { createLogger } from '../../src/log.ts';
import { encodeExecutorInfo } from '../../src/mesos/messages.ts';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { newState } from '../state/helpers.ts';
import { HandTurnedClient, untilAborted } from './hand-turned-client.ts';
import { anOffer, clusterJobs, runningNode, settings } from './helpers.ts';

const NODES = [0, 1].map((number) => {
  const node = runningNode(number);
  return { ...node, executorInfo: encodeExecutorInfo({ executorId: { value: node.executorId }, resources: [] }) };
});
const OFFERS = NODES.map(({ ip, executorId }) => anOffer(ip ?? '', { executors: [executorId] }));
const TASKS = NODES.map(({ executorId }) => `${executorId}.BACKUP.1.preflight.1`);

/** Ids of the tasks that such calls were about, in their order. */
function about({ calls }: HandTurnedClient, ...types: SchedulerCall['type'][]): string[] {
  const tasks = calls
    .filter(({ type }) => types.includes(type))
    .flatMap((call) => {
      if (call.type === 'RECONCILE') return call.reconcile.tasks.map(({ taskId }) => taskId.value);
      if (call.type === 'KILL') return [call.kill.taskId.value];
      const launches = call.type === 'ACCEPT' ? call.accept.operations : [];
      return launches.flatMap((operation) =>
        operation.type === 'LAUNCH' ? operation.launch.taskInfos.map(({ taskId }) => taskId.value) : [],
      );
    });
  return tasks.filter((taskId) => TASKS.includes(taskId));
}

/** A backup is launched on both nodes, and the master has not answered the first of the two calls. */
async function launching(t: ExecutionContext) {
  const state = newState(t);
  for (const node of NODES) state.nodes.save(node);
  let now = 1_700_000_000_000;
  const clock = { now: () => now, sleep: untilAborted };
  const jobs = clusterJobs(state, clock);
  const client = new HandTurnedClient();
  const scheduler = new Scheduler({
    client,
    state,
    jobs,
    settings: { ...settings, nodeCount: 2 },
    lastOffers: new LastOffers(clock),
    limits,
    clock,
    log: createLogger('test', 'silent'),
  });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  const pass = async (ms: number): Promise<void> => {
    now += ms;
    scheduler.wake();
    await setImmediate();
  };
  // What was asked at the beginning has to be asked again.
  client.lost.add('RECONCILE');
  await client.subscribe();
  await jobs.start('BACKUP', {});
  client.unanswered.add('ACCEPT');
  const launched = client.hear({ type: 'OFFERS', offers: { offers: OFFERS } });
  t.teardown(async () => {
    client.unanswered.clear();
    while (client.waiting > 0) await client.answer();
    await launched;
    stop.abort();
    await running;
  });
  await setImmediate();
  t.deepEqual(about(client, 'ACCEPT'), TASKS.slice(0, 1));
  client.lost.clear();
  return { client, jobs, pass };
}

test('the master is not asked about a task whose launch is still to be sent: it would say that it knows nothing of it', async (t) => {
  const { client, pass } = await launching(t);
  await pass(1_000);
  t.deepEqual(about(client, 'RECONCILE'), TASKS.slice(0, 1));
  await client.answer();
  t.deepEqual(about(client, 'ACCEPT'), TASKS);
  await client.answer();
  await pass(10_000);
  await pass(10_000);
  t.true(about(client, 'RECONCILE').includes(TASKS[1] ?? ''));
});

test('a task whose launch is still to be sent is killed after that, and not before', async (t) => {
  const { client, jobs, pass } = await launching(t);
  jobs.abort('BACKUP', true);
  await pass(1_000);
  t.deepEqual(about(client, 'ACCEPT', 'KILL'), [TASKS[0], TASKS[0]]);
  await client.answer();
  await client.answer();
  await pass(1_000);
  t.deepEqual(about(client, 'ACCEPT', 'KILL'), [TASKS[0], TASKS[0], TASKS[1], TASKS[1]]);
});
