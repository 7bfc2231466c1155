import type { Agent } from 'node:http';
import { requestByAgent } from './by-agent.ts';
import type { Trust } from './connection.ts';
import type { HttpAnswer } from './exchange.ts';
import { Pool } from './pool.ts';
import { requestHead, type HttpRequest } from './request-head.ts';

/** Where nobody uses a connection for so long (ms) it is closed: most servers wait for no longer. */
const IDLE_MS = 30_000;
/** No server closes a connection because nobody has used it for less (ms). */
const TRUST_MS = 1000;

export interface HttpClientOptions {
  trust: Trust;
  /** Connections at the same time to one host and port. */
  connections: number;
  /** A connection on which nothing moves for so long (ms) is given up. */
  silenceMs: number;
  /** See Patience; left out: what suits most servers. */
  idleMs?: number;
  trustMs?: number;
  /** Of Node, for what goes through a proxy; null where a URL does not. */
  agentFor: (url: URL) => Agent | null;
}

/**
 * A small client of HTTP/1.1 for what is large: bodies come straight into the memory where they are wanted. It follows no redirects, keeps no cookies
 * and decodes nothing.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #pools = new Map<string, Pool>();

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /**
   * Sends a request once; a second time only where a kept connection turns out to be closed. Throws the system's error, ShortRead, an error with one of
   * Node's codes (ETIMEDOUT, HPE_…), or the signal's reason. What it throws tells neither the URL nor headers.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { silenceMs, agentFor } = this.#options;
    const agent = agentFor(request.url);
    if (agent !== null) return requestByAgent(request, agent, silenceMs);
    return this.#pool(request.url.origin).request(request, requestHead(request));
  }

  #pool(origin: string): Pool {
    const { connections, trust, silenceMs, idleMs = IDLE_MS, trustMs = TRUST_MS } = this.#options;
    const patience = { silenceMs, idleMs, trustMs };
    const pool = this.#pools.get(origin) ?? new Pool(connections, { trust, patience });
    this.#pools.set(origin, pool);
    return pool;
  }
}
