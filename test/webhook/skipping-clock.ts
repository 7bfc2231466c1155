import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Clock } from '../../src/clock.ts';

/** Aborts when the test ends. */
export function abortable(t: ExecutionContext): AbortSignal {
  const controller = new AbortController();
  t.teardown(() => controller.abort());
  return controller.signal;
}

/** A clock on which waiting takes no time, as long as there is something to wait for. */
export class SkippingClock implements Clock {
  readonly slept: number[] = [];
  readonly #hasWork: () => boolean;
  #now: number;

  constructor(now: number, hasWork: () => boolean) {
    this.#now = now;
    this.#hasWork = hasWork;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await setImmediate();
    if (!this.#hasWork() && signal && !signal.aborted) await once(signal, 'abort');
    if (signal?.aborted) throw signal.reason;
    this.#now += ms;
    this.slept.push(ms);
  }
}
