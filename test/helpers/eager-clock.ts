import { setImmediate } from 'node:timers/promises';
import { HandClock } from './hand-clock.ts';

/** Shorter waits are pauses between tries; what waits as long or longer is watched, or a store wants it. */
const LONG_MS = 60_000;

/** A clock that lets every pause pass at once, and is turned by hand for everything longer. */
export class EagerClock extends HandClock {
  /** Those that have passed by themselves, in ms. */
  readonly pauses: number[] = [];
  readonly #expected = new Map<number, () => void>();

  /** Resolves when somebody begins to wait for so long (ms). */
  waitOf(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#expected.set(ms, resolve);
    });
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#expected.get(ms)?.();
    if (ms >= LONG_MS) return super.sleep(ms, signal);
    this.pauses.push(ms);
    await setImmediate();
    signal?.throwIfAborted();
  }
}
