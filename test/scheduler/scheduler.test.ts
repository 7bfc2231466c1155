import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { defaultLimits as limits } from '../../src/jobs/limits.ts';
import { launched } from '../../src/jobs/next-steps.ts';
import { createLogger } from '../../src/log.ts';
import { encodeStepProgress } from '../../src/mesos/messages.ts';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import type { Step } from '../../src/model/cluster-job.ts';
import { emptyReport } from '../../src/model/step.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { pastPreflight } from '../helpers/past-preflight.ts';
import { newState } from '../state/helpers.ts';
import { HandTurnedClient, untilAborted } from './hand-turned-client.ts';
import { clusterJobs, runningNode, settings } from './helpers.ts';

const TASK = 'cassandra.dev.node.0.executor.BACKUP.1.backup.1';

interface Rig {
  client: HandTurnedClient;
  /** Lets time pass as it does: with a look at what is to be done every so often. */
  pass: (ms: number) => Promise<void>;
  step: () => Step | undefined;
}

/** A scheduler with a master, and a backup whose first step was launched. */
async function backingUp(t: ExecutionContext): Promise<Rig> {
  const state = newState(t);
  let now = 1_700_000_000_000;
  const clock = { now: () => now, sleep: untilAborted };
  state.nodes.save(runningNode(0));
  const jobs = clusterJobs(state, clock);
  const client = new HandTurnedClient();
  const log = createLogger('test', 'silent');
  const scheduler = new Scheduler({
    client,
    state,
    jobs,
    settings: { ...settings, nodeCount: 1 },
    lastOffers: new LastOffers(clock),
    limits,
    clock,
    log,
  });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  await client.subscribe();
  const { id } = await jobs.start('BACKUP', {});
  jobs.update(id, (job) => launched(pastPreflight(job), 1, 0, TASK, now));
  return {
    client,
    async pass(ms) {
      for (const end = now + ms; now < end;) {
        now += Math.min(10_000, end - now);
        scheduler.wake();
        await setImmediate();
      }
    },
    step: () => jobs.get(id)?.phases[1]?.steps[0],
  };
}

const count = ({ calls }: HandTurnedClient, kind: SchedulerCall['type']) =>
  calls.filter(({ type }) => type === kind).length;
const killed = (client: HandTurnedClient) => count(client, 'KILL');

test('a step that is silent while the master is there is killed and given up', async (t) => {
  const { client, pass, step } = await backingUp(t);
  await pass(limits.silenceMs);
  t.true(killed(client) > 0);
  await pass(limits.killMs);
  t.like(step(), { attempt: 2, error: { code: 'TASK_LOST' } });
});

test('a step is given up only after a KILL that left, and one that could not be sent is sent again at once', async (t) => {
  const { client, pass, step } = await backingUp(t);
  client.lost.add('KILL');
  await pass(limits.silenceMs);
  await pass(2 * limits.killMs);
  t.like(step(), { attempt: 1, taskId: TASK });
  client.lost.clear();
  const lost = killed(client);
  await pass(1);
  t.is(killed(client), lost + 1);
  await pass(limits.killMs);
  t.like(step(), { attempt: 2, error: { code: 'TASK_LOST' } });
});

test('a cut from the master counts as silence of no step, however long it lasts', async (t) => {
  const { client, pass, step } = await backingUp(t);
  client.subscribed = false;
  await pass(10 * limits.silenceMs);
  await client.subscribe();
  await pass(limits.silenceMs - 1);
  t.is(killed(client), 0);
  t.like(step(), { attempt: 1, taskId: TASK, killSince: null });
});

test('a scheduler that stood still takes no step for silent once it is subscribed again', async (t) => {
  const { client, pass, step } = await backingUp(t);
  await pass(limits.silenceMs);
  t.not(step()?.killSince, null);
  await client.subscribe();
  t.is(step()?.killSince, null);
});

test('that no offers are wanted is said until the master has heard it', async (t) => {
  const { client, pass } = await backingUp(t);
  client.lost.add('SUPPRESS');
  await client.subscribe();
  await pass(1);
  const lost = count(client, 'SUPPRESS');
  client.lost.clear();
  await pass(1);
  t.is(count(client, 'SUPPRESS'), lost + 1);
  await pass(20_000);
  t.is(count(client, 'SUPPRESS'), lost + 1);
});

test('how a step ended is taken from its own last update, which has its report, and not from reconciliation', async (t) => {
  const { client, step } = await backingUp(t);
  const status = { taskId: { value: TASK }, state: 'TASK_FINISHED' as const, agentId: { value: 'agent' } };
  const echo = { ...status, source: 'SOURCE_MASTER' as const, reason: 'REASON_RECONCILIATION' };
  await client.hear({ type: 'UPDATE', update: { status: echo } });
  t.like(step(), { attempt: 1, taskId: TASK, finished: null });
  const data = encodeStepProgress({ taskId: TASK, report: { ...emptyReport(), bytesDone: 42 } });
  const own = { ...status, source: 'SOURCE_EXECUTOR' as const, uuid: new Uint8Array(16), data };
  await client.hear({ type: 'UPDATE', update: { status: own } });
  t.is(step()?.state, 'SUCCESS');
  t.is(step()?.report?.bytesDone, 42);
});
