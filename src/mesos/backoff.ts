export interface BackoffOptions {
  /** Upper end of the first wait, in ms. */
  minMs: number;
  /** No wait is longer, in ms. */
  maxMs: number;
}

/**
 * Waits between attempts: exponential with full jitter, so that clients that lost the same peer at the same
 * time do not come back at the same time.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { minMs, maxMs } = this.#options;
    const ceiling = Math.min(maxMs, minMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.#random() * ceiling;
  }

  /** After a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
