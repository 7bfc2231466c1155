import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';

interface Sleeper {
  until: number;
  wake: () => void;
}

/** For what follows from a wake-up to have happened, and the next sleep to have begun. */
const SETTLING_TURNS = 5;

/** A clock that is turned by hand. */
export class HandClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #sleepers = new Set<Sleeper>();

  /** How many wait. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** As an administrator sets it; who sleeps goes on sleeping. */
  set(now: number): void {
    const change = now - this.#now;
    this.#now = now;
    for (const sleeper of this.#sleepers) sleeper.until += change;
  }

  /** Lets time pass, and everything that is due meanwhile happen in its order. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      for (let turn = 0; turn < SETTLING_TURNS; turn += 1) await setImmediate();
      const [next] = [...this.#sleepers].filter(({ until }) => until <= end).toSorted((a, b) => a.until - b.until);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.until);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#now = end;
  }
}
