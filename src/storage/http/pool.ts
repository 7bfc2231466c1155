import { Connection, type Manner } from './connection.ts';
import type { HttpAnswer } from './exchange.ts';
import type { HttpRequest } from './request-head.ts';

/** What may be asked for twice without asking (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/** Connections to one place, kept for further requests. What waits for none does not keep the process. */
export class Pool {
  readonly #manner: Manner;
  readonly #most: number;
  #count = 0;
  readonly #idle: Connection[] = [];
  /** Each gets a connection that has become free, or null: it may open one. */
  readonly #waiting: ((connection: Connection | null) => void)[] = [];

  /** `most`: connections at the same time. */
  constructor(most: number, manner: Omit<Manner, 'keeper'>) {
    this.#most = most;
    this.#manner = {
      ...manner,
      keeper: {
        onFree: (connection) => this.#keep(connection),
        onGone: (connection) => this.#forget(connection),
      },
    };
  }

  /** `head`: that of the request. Throws what has become of the connection (the system's error, ConnectionBroke, GarbledAnswer, ETIMEDOUT), or the signal's reason. */
  async request(request: HttpRequest, head: string): Promise<HttpAnswer> {
    const kept = await this.#take(request.signal);
    if (kept !== null) {
      const mayBeClosed = kept.idleMs >= this.#manner.patience.trustMs && IDEMPOTENT.has(request.method);
      const exchange = kept.send(request, head);
      try {
        return await exchange.answer;
      } catch (error) {
        if (!exchange.isLost || !mayBeClosed) throw error;
      }
      // The other side had closed what nobody used, and then perhaps all of that.
      for (let other = await this.#take(request.signal); other !== null; other = await this.#take(request.signal)) {
        other.destroy();
      }
    }
    const connection = await this.#open(request);
    return connection.send(request, head).answer;
  }

  /** A connection that is kept, or null for the right to open one. Who asks first is served first. */
  async #take(signal: AbortSignal | undefined): Promise<Connection | null> {
    signal?.throwIfAborted();
    const kept = this.#idle.pop();
    if (kept !== undefined) return kept;
    if (this.#count === this.#most) return this.#wait(signal);
    this.#count += 1;
    return null;
  }

  #wait(signal: AbortSignal | undefined): Promise<Connection | null> {
    return new Promise((resolve, reject) => {
      const go = (connection: Connection | null): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(connection);
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(go);
    });
  }

  async #open(request: HttpRequest): Promise<Connection> {
    try {
      return await Connection.open(request, this.#manner);
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }

  #keep(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next(connection);
  }

  #forget(connection: Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#giveBack();
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#count -= 1;
    else next(null);
  }
}
