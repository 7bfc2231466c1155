import type { ExecutionContext } from 'ava';
import { defaultLimits } from '../../src/jobs/limits.ts';
import { createLogger } from '../../src/log.ts';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import type { SchedulerContext } from '../../src/scheduler/context.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { newState } from '../state/helpers.ts';
import { clusterJobs, settings as defaults } from './helpers.ts';

/** What a scheduler places nodes with, and the calls that it makes. */
export function placing(
  t: ExecutionContext,
  nodes: ClusterNode[],
  settings: SchedulerSettings = defaults,
): SchedulerContext & { calls: SchedulerCall[] } {
  const state = newState(t);
  for (const node of nodes) state.nodes.save(node);
  const clock = { now: () => 1_700_000_000_000, sleep: () => Promise.reject(new Error('nothing sleeps here')) };
  const jobs = clusterJobs(state, clock);
  const calls: SchedulerCall[] = [];
  const client = {
    subscribed: true,
    run: () => Promise.reject(new Error('nothing is subscribed here')),
    call: (call: SchedulerCall) => Promise.resolve(void calls.push(call)),
  };
  const log = createLogger('test', 'silent');
  return { client, state, jobs, settings, lastOffers: new LastOffers(clock), limits: defaultLimits, clock, log, calls };
}
