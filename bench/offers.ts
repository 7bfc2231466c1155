import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OfferStorm } from './offers/offer-storm.ts';
import { rounded, type Result, type Row } from './results.ts';
import { SchedulerProcess } from './scale/scheduler-process.ts';

export interface OffersOptions {
  /** Offers a second, and for how long. */
  rate: number;
  seconds: number;
  directory: string;
  port: number;
}

/** Offers of one event: a master makes one for all that an allocation gives a framework. */
const OFFERS_A_EVENT = 1000;

/**
 * A master that offers ten thousand agents a second, all too small for the node that is wanted: how far what comes
 * behind the offers on the stream, a heartbeat for example, is late.
 */
export async function measureOffers(options: OffersOptions): Promise<Result> {
  const { rate, seconds } = options;
  const directory = await mkdtemp(join(options.directory, 'cassandra-mesos-offers-'));
  const storm = new OfferStorm(rate, OFFERS_A_EVENT);
  const master = await storm.start();
  const scheduler = new SchedulerProcess({ ...options, directory, master, nodes: 3, healthSeconds: 10, execArgv: [] });
  try {
    scheduler.start();
    await Promise.race([once(storm, 'subscribed'), scheduler.ended()]);
    const cpuBefore = scheduler.cpuSeconds;
    const begin = performance.now();
    await Promise.race([storm.blow(seconds), scheduler.ended()]);
    const wall = (performance.now() - begin) / 1000;
    const cpu = scheduler.cpuSeconds - cpuBefore;
    const lags = storm.lags.toSorted((a, b) => a - b);
    const lag = (share: number): number =>
      rounded(lags[Math.min(lags.length - 1, Math.floor(lags.length * share))] ?? Number.NaN, 1);
    const row: Row = {
      'offers sent': storm.sent,
      declined: storm.declined,
      'until all were declined (s)': rounded(wall, 2),
      'DECLINE calls': storm.declines,
      subscriptions: storm.subscriptions,
      'RSS (MiB)': rounded(scheduler.rssMib, 1),
    };
    const summary = {
      'offers declined a second': rounded(storm.declined / wall, 0),
      'lag p50 (ms)': lag(0.5),
      'lag p99 (ms)': lag(0.99),
      'lag max (ms)': lag(1),
      'scheduler CPU (s a second)': rounded(cpu / wall),
      'scheduler CPU (µs an offer)': rounded((cpu / storm.declined) * 1e6, 1),
    };
    const title = 'Offers decoded and declined while a node is wanted; aim: 10,000 a second, no lag near the heartbeat';
    return { name: 'offers', title, settings: { rate, seconds, offersAEvent: OFFERS_A_EVENT }, rows: [row], summary };
  } finally {
    await scheduler.stop('SIGTERM');
    await storm.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
