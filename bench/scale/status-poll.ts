import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ask } from './rest.ts';

const POLL_MS = 100;

/**
 * Asks for the status ten times a second until no backup runs; returns how many ms each answer took. In a thread of its own:
 * what the simulated agents do meanwhile must not count as the scheduler's.
 */
export async function pollStatus(port: number): Promise<number[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: port, execArgv: [] });
  const [latencies] = (await once(worker, 'message')) as [number[]];
  return latencies;
}

async function poll(port: number): Promise<number[]> {
  const latencies: number[] = [];
  for (;;) {
    const begin = performance.now();
    const text = await ask(port, 'GET', '/cluster/backup/status');
    const ms = performance.now() - begin;
    if (/^{\s*"running":\s*false/.test(text)) return latencies;
    latencies.push(ms);
    await sleep(Math.max(0, POLL_MS - ms));
  }
}

if (!isMainThread) {
  const latencies = await poll(workerData as number);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(latencies);
}
