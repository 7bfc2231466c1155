/** Bytes that all transfers of a process may hold in memory together. Who asks first is served first. */
export class MemoryBudget {
  readonly #all: number;
  #free: number;
  readonly #waiting: { bytes: number; go: () => void }[] = [];

  constructor(bytes: number) {
    this.#all = bytes;
    this.#free = bytes;
  }

  /**
   * Waits until so many bytes are free, or all are, where more are wanted; the signal ends the wait with its reason. To be given back by the
   * function that comes back.
   */
  async take(wanted: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const bytes = Math.min(wanted, this.#all);
    if (this.#waiting.length > 0 || bytes > this.#free) await this.#wait(bytes, signal);
    else this.#free -= bytes;
    let isHeld = true;
    return () => {
      if (isHeld) this.#free += bytes;
      isHeld = false;
      this.#serve();
    };
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = {
        bytes,
        go: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal?.reason as Error);
        this.#serve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(entry);
    });
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.go();
    }
  }
}
