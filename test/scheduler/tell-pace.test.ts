import test, { type ExecutionContext } from 'ava';
import { defaultLimits as limits } from '../../src/jobs/limits.ts';
import { launched } from '../../src/jobs/next-steps.ts';
import { onProgress } from '../../src/jobs/step-updates.ts';
import { createLogger } from '../../src/log.ts';
import { decodePace, type Pace } from '../../src/mesos/messages.ts';
import type { SchedulerClient } from '../../src/mesos/types.ts';
import { emptyReport } from '../../src/model/step.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { TellPace } from '../../src/scheduler/tell-pace.ts';
import { pastPreflight } from '../helpers/past-preflight.ts';
import { newState } from '../state/helpers.ts';
import { clusterJobs, runningNode, settings } from './helpers.ts';

const TASK = 'cassandra.dev.node.0.executor.BACKUP.1.backup.1';

/** A scheduler with a backup whose only step is at work, and a connection that may lose what is sent. */
async function backingUp(t: ExecutionContext, bandwidth: number) {
  const state = newState(t);
  let now = 1_700_000_000_000;
  const clock = { now: () => now, sleep: () => Promise.reject(new Error('nothing sleeps here')) };
  state.nodes.save(runningNode(0));
  const jobs = clusterJobs(state, clock);
  const told: { to: string; pace: Pace | null }[] = [];
  const link = { isCut: false };
  const client: SchedulerClient = {
    subscribed: true,
    run: () => Promise.resolve(),
    call(call) {
      if (call.type !== 'MESSAGE') throw new Error(`expected MESSAGE, got ${call.type}`);
      if (link.isCut) return Promise.reject(new Error('socket hang up'));
      const { agentId, executorId, data } = call.message;
      told.push({ to: `${agentId.value} ${executorId.value}`, pace: decodePace(data) });
      return Promise.resolve();
    },
  };
  const log = createLogger('test', 'silent');
  const pacing = new TellPace({ client, state, jobs, settings, lastOffers: new LastOffers(clock), limits, clock, log });
  const { id } = await jobs.start('BACKUP', { bandwidth });
  jobs.update(id, (job) => launched(pastPreflight(job), 1, 0, TASK, now));
  return {
    jobs,
    told,
    link,
    pass: (ms: number) => {
      now += ms;
      return pacing.tell();
    },
    says: (inForce: number | null) =>
      jobs.update(id, (job) => onProgress(job, TASK, { ...emptyReport(), bandwidth: inForce }, now)),
  };
}

test('a changed limit is told to the node at work, again every ten seconds until it says that it goes by it', async (t) => {
  const { jobs, told, pass, says } = await backingUp(t, 5000);
  says(5000);
  await pass(1000);
  t.deepEqual(told, []);
  jobs.pace(1, { bandwidth: 2000 });
  await pass(0);
  const message = {
    to: 'agent-127.0.0.1 cassandra.dev.node.0.executor',
    pace: { taskId: TASK, bandwidth: 2000 },
  };
  t.deepEqual(told, [message]);
  for (let second = 0; second < 9; second += 1) await pass(1000);
  t.is(told.length, 1);
  await pass(1000);
  t.deepEqual(told, [message, message]);
  says(2000);
  await pass(60_000);
  t.is(told.length, 2);
});

test('another change is told at once, and so is what could not be sent', async (t) => {
  const { jobs, told, link, pass, says } = await backingUp(t, 5000);
  says(5000);
  link.isCut = true;
  jobs.pace(1, { bandwidth: 2000 });
  await pass(0);
  link.isCut = false;
  await pass(100);
  t.deepEqual(told.at(-1)?.pace, { taskId: TASK, bandwidth: 2000 });
  jobs.pace(1, { bandwidth: null });
  await pass(100);
  t.deepEqual(told.at(-1)?.pace, { taskId: TASK, bandwidth: null });
});
