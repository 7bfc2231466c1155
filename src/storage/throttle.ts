import { pause, type Clock } from '../clock.ts';

/** Grants are small enough to be even over a second, and whole blocks for direct writes (see copy-target.ts). */
const GRANTS_PER_SECOND = 10;
const BLOCK = 4096;

/** What may be made up for when a grant was asked for too late, in seconds: timers are late, disks stumble. */
const CREDIT_SECONDS = 0.25;

interface Waiter {
  wanted: number;
  settle: (granted: number) => void;
}

/**
 * A limit on the bytes that a process moves, over all files that are under way: whoever moves some takes them here before. The rate
 * may change at any time, also for those who wait.
 */
export class Throttle {
  /** One number that threads share: 1 while there is a limit, otherwise nobody needs to ask. */
  readonly limited = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #clock: Clock;
  readonly #queue: Waiter[] = [];
  #rate: number | null = null;
  /** Bytes that were granted and that time has not made good yet; negative is credit. */
  #debt = 0;
  /** Epoch ms at which the debt was that. */
  #at = 0;
  #timer = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes per second; null for no limit. */
  get rate(): number | null {
    return this.#rate;
  }

  set rate(rate: number | null) {
    if (rate === this.#rate) return;
    this.#settleDebt();
    this.#rate = rate;
    Atomics.store(this.limited, 0, rate === null ? 0 : 1);
    this.#serve();
  }

  /** Waits until some of the wanted bytes may be moved and says how many; 0 when the signal aborts. Who came first is served first. */
  take(wanted: number, signal: AbortSignal): Promise<number> {
    if (signal.aborted) return Promise.resolve(0);
    return new Promise((resolve) => {
      const settle = (granted: number): void => {
        signal.removeEventListener('abort', leave);
        resolve(granted);
      };
      const waiter = { wanted, settle };
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        if (this.#queue.length === 0) this.#timer.abort();
        settle(0);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.push(waiter);
      if (this.#queue.length === 1) this.#serve();
    });
  }

  /** Grants what may be granted now, and comes back when the next one is due. */
  #serve(): void {
    this.#timer.abort();
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      this.#settleDebt();
      const rate = this.#rate ?? Number.POSITIVE_INFINITY;
      if (this.#debt > 0) return this.#comeBackIn((this.#debt / rate) * 1000);
      const granted = Math.min(next.wanted, largestGrant(rate));
      this.#debt += granted;
      this.#queue.shift();
      next.settle(granted);
    }
  }

  #comeBackIn(ms: number): void {
    const timer = new AbortController();
    this.#timer = timer;
    void pause(this.#clock, Math.ceil(ms), timer.signal).then(() => timer.signal.aborted || this.#serve());
  }

  /** A clock that was set back makes nothing good, and costs nothing. */
  #settleDebt(): void {
    const now = this.#clock.now();
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#debt = this.#rate === null ? 0 : Math.max(this.#debt - this.#rate * seconds, -this.#rate * CREDIT_SECONDS);
  }
}

function largestGrant(rate: number): number {
  return Math.ceil(rate / GRANTS_PER_SECOND / BLOCK) * BLOCK;
}
