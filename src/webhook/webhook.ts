import { pause, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import type { Logger } from '../log.ts';
import type { ClusterNode } from '../model/node.ts';
import type { Delivery, DeliveryStore } from '../state/deliveries.ts';
import { jobEnded, signedHeaders } from './job-ended.ts';
import { outcomeOf, retried, type Outcome } from './retry.ts';

const TIMEOUT_MS = 10_000;
/** So long it sleeps at most: a clock that was set back must not keep a delivery for ever. */
const LONGEST_SLEEP_MS = 600_000;

export interface WebhookDeps {
  /** Where to post. Only its host is ever logged. */
  url: URL;
  secret: string | null;
  cluster: string;
  jobs: Pick<ClusterJobs, 'get' | 'onChange'>;
  nodes: () => ClusterNode[];
  deliveries: DeliveryStore;
  clock: Clock;
  log: Logger;
  /** How long a receiver may take, in ms. */
  timeoutMs?: number;
  /** For the jitter. */
  random?: () => number;
}

/**
 * Tells a URL of the end of each job, at least once: what the state has noted as to be told is posted until the receiver has
 * it, or an hour is over. One after the other, so that a slow receiver is never asked twice at a time.
 */
export class Webhook {
  readonly #deps: WebhookDeps;
  readonly #target: string;
  readonly #authorization: Record<string, string>;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
    const { username, password } = deps.url;
    const target = new URL(deps.url);
    // fetch takes no URL with a password in it, and its error would show it.
    [target.username, target.password] = ['', ''];
    this.#target = target.href;
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#authorization =
      username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  }

  /** Returns when the signal aborts; what is not delivered by then is next time. */
  async run(signal: AbortSignal): Promise<void> {
    const { jobs, clock } = this.#deps;
    let news = new AbortController();
    const stop = jobs.onChange((job) => {
      if (job.finished !== null) news.abort();
    });
    try {
      while (!signal.aborted) {
        if (news.signal.aborted) news = new AbortController();
        const waitMs = await this.#deliverDue(signal);
        await pause(clock, waitMs, AbortSignal.any([signal, news.signal]));
      }
    } finally {
      stop();
    }
  }

  /** Returns after how many ms there may be more to do. */
  async #deliverDue(signal: AbortSignal): Promise<number> {
    const { deliveries, clock } = this.#deps;
    for (;;) {
      const next = signal.aborted ? null : deliveries.next();
      const waitMs = next === null ? LONGEST_SLEEP_MS : next.notBefore - clock.now();
      if (next === null || waitMs > 0) return Math.min(waitMs, LONGEST_SLEEP_MS);
      await this.#deliver(next, signal);
    }
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { deliveries, clock, random = Math.random, log } = this.#deps;
    const outcome = await this.#post(delivery.jobId, signal);
    // The receiver may have it or not; it is told again after the restart.
    if (signal.aborted && outcome.kind !== 'DELIVERED') return;
    const about = { job: delivery.jobId, host: this.#deps.url.host, attempts: delivery.attempts + 1 };
    if (outcome.kind === 'DELIVERED') {
      deliveries.delete(delivery.jobId);
      log.info(about, 'webhook delivered');
      return;
    }
    const again = outcome.kind === 'FAILED' ? retried(delivery, outcome, clock.now(), random()) : null;
    if (again === null) {
      deliveries.delete(delivery.jobId);
      log.error({ ...about, reason: outcome.reason }, 'webhook given up: nobody was told of the end of this job');
      return;
    }
    deliveries.save(again);
    log.debug({ ...about, reason: outcome.reason, notBefore: again.notBefore }, 'webhook is tried again');
  }

  async #post(jobId: number, signal: AbortSignal): Promise<Outcome> {
    const { jobs, nodes, cluster, secret, clock, timeoutMs = TIMEOUT_MS } = this.#deps;
    const job = jobs.get(jobId);
    if (job === null) return { kind: 'REFUSED', reason: 'the job is not known any more' };
    const body = jobEnded(job, nodes(), cluster);
    try {
      const response = await fetch(this.#target, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'cassandra-mesos',
          ...this.#authorization,
          ...signedHeaders({ id: job.uuid, body }, secret, clock.now()),
        },
        // What was meant for one host must not go to another.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      // What it answers is of no interest, and may be without end.
      await response.body?.cancel();
      return outcomeOf(response, clock.now());
    } catch (error) {
      return { kind: 'FAILED', reason: reasonOf(error), retryAfterMs: null };
    }
  }
}

/** What undici says lies in the cause; of neither the URL may come. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(cause);
}
