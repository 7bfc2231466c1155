import type { Clock } from '../clock.ts';
import type { WebhookTarget } from '../config/secrets.ts';
import type { ClusterJobsDeps } from '../jobs/cluster-jobs.ts';
import { logJobs } from '../jobs/job-log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { SchedulerContext } from '../scheduler/context.ts';
import { waitingNeeds } from '../scheduler/needs.ts';
import type { State } from '../state/database.ts';
import { Webhook } from '../webhook/webhook.ts';

interface Watched {
  context: SchedulerContext;
  metrics: Metrics;
  /** Null: nobody is told. */
  webhook: WebhookTarget | null;
}

/** What is still to be told is stored together with the end of the job. */
export function noteEnds(
  { webhook }: Pick<Watched, 'webhook'>,
  { deliveries }: Pick<State, 'deliveries'>,
  clock: Clock,
): Pick<ClusterJobsDeps, 'onEnd'> {
  return webhook === null ? {} : { onEnd: ({ id }) => deliveries.add(id, clock.now()) };
}

/** From now on what becomes of jobs is logged and counted. Returns what tells the webhook, until its signal aborts. */
export function observe({ context, metrics, webhook }: Watched): (signal: AbortSignal) => Promise<void> {
  const { jobs, state, settings, clock, log } = context;
  logJobs(jobs, log);
  metrics.observe({ state, jobs, waiting: () => waitingNeeds(context) });
  if (webhook === null) return () => Promise.resolve();
  log.info({ host: webhook.url.host, signed: webhook.secret !== null }, 'the end of each job is told to a webhook');
  const { deliveries } = state;
  const nodes = () => state.nodes.all();
  const { clusterName: cluster } = settings;
  const telling = new Webhook({ ...webhook, cluster, jobs, nodes, deliveries, clock, log });
  return (signal) => telling.run(signal);
}
