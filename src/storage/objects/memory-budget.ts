/** Most transfers are of parts of this size (bytes): their memory is used again, and threads can share it. */
const BLOCK = 8 * 1024 ** 2;

/** Unused blocks are let go when nothing was under way for so long (ms). */
const IDLE_MS = 10_000;

/** Below, a block would be mostly empty. */
const SMALLEST_IN_BLOCK = BLOCK / 2;

/** Memory of one transfer. */
export interface Grant {
  /** Of the length that was wanted; to be used no more once it is given back. */
  readonly buffer: Buffer;
  /** Gives it back; a second time does nothing. */
  release: () => void;
}

interface Waiter {
  bytes: number;
  go: () => void;
}

/** Bytes that all transfers of a process may hold in memory together. Who asks first is served first. */
export class MemoryBudget {
  readonly #all: number;
  #free: number;
  readonly #waiting: Waiter[] = [];
  /** Blocks that nobody uses. They are let go when nothing was under way for a while. */
  #blocks: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Below the size of a block each part waits for all that there is. */
  constructor(bytes: number) {
    this.#all = bytes;
    this.#free = bytes;
  }

  /** Bytes that nobody holds. */
  get free(): number {
    return this.#free;
  }

  /** Waits until so many bytes are free, or all are, where more are wanted; the signal ends the wait with its reason. */
  async take(wanted: number, signal?: AbortSignal): Promise<Grant> {
    signal?.throwIfAborted();
    const isBlock = wanted > SMALLEST_IN_BLOCK && wanted <= BLOCK;
    const bytes = Math.min(isBlock ? BLOCK : wanted, this.#all);
    if (this.#waiting.length > 0 || bytes > this.#free) await this.#wait(bytes, signal);
    else this.#free -= bytes;
    const block = isBlock ? (this.#blocks.pop() ?? Buffer.from(new SharedArrayBuffer(BLOCK))) : null;
    let isHeld = true;
    return {
      buffer: block?.subarray(0, wanted) ?? Buffer.allocUnsafeSlow(wanted),
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (block !== null) this.#blocks.push(block);
        this.#free += bytes;
        this.#serve();
        if (this.#free === this.#all) this.#letGoLater();
      },
    };
  }

  /** Between two files of one backup they stay: what is let go is free only when the collector comes by. */
  #letGoLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#free === this.#all) this.#blocks = [];
    }, IDLE_MS).unref();
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
