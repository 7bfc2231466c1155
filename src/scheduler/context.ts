import type { Clock } from '../clock.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import type { Limits } from '../jobs/advance.ts';
import type { Logger } from '../log.ts';
import type { SchedulerClient, SchedulerCall } from '../mesos/types.ts';
import type { State } from '../state/database.ts';
import { messageOf } from '../errors.ts';
import type { ExternalSeeds } from './external-seeds.ts';
import type { KeptOffers } from './kept-offers.ts';
import type { LastOffers } from './last-offers.ts';
import type { SchedulerSettings } from './settings.ts';

/** What the scheduler's parts share. */
export interface SchedulerContext {
  client: SchedulerClient;
  state: State;
  jobs: ClusterJobs;
  settings: SchedulerSettings;
  /** What became of each agent's last offer. */
  lastOffers: LastOffers;
  /** Offers for what is wanted next; made by the scheduler. */
  keptOffers?: KeptOffers;
  /** Ids of tasks that are stored as launched before their ACCEPT is sent: the master knows nothing of them yet. Made by the scheduler. */
  unsent?: Set<string>;
  /** Seeds of the cluster's other datacenters. */
  externalSeeds?: Pick<ExternalSeeds, 'seeds'>;
  limits: Limits;
  clock: Clock;
  log: Logger;
}

/**
 * Sends a call whose loss is made good later: everything that was decided is stored, and what the master did
 * not hear of comes back by reconciliation or by the next tick. So a failed call is told and not thrown: false.
 */
export async function send(context: SchedulerContext, call: SchedulerCall): Promise<boolean> {
  try {
    await context.client.call(call);
    return true;
  } catch (error) {
    context.log.warn({ call: call.type, err: messageOf(error) }, 'call to the master failed');
    return false;
  }
}
