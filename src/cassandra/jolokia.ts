import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { messageOf, OperatorError } from '../errors.ts';

export interface JolokiaAddress {
  port: number;
  user: string;
  password: string;
}

/** One entry of Jolokia's protocol. Overloaded operations need their full signature: `drain()`, `getTokens()`. */
export type JolokiaRequest =
  | { type: 'read'; mbean: string; attribute: string | string[] }
  | { type: 'exec'; mbean: string; operation: string; arguments: unknown[] };

/** Jolokia's own verdict on one entry: its HTTP status is 200 also where the entry failed. */
export interface JolokiaResponse {
  status: number;
  value?: unknown;
  error?: string;
  error_type?: string;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** Java's HTTP server closes an idle connection after 30 s; we let go of it first, or a call would meet the closing. */
const IDLE_MS = 10_000;

/** JMX of one JVM as HTTP on loopback. */
export class Jolokia {
  readonly #address: JolokiaAddress;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  constructor(address: JolokiaAddress) {
    this.#address = address;
  }

  /** Value of one attribute. */
  async read(mbean: string, attribute: string, options?: CallOptions): Promise<unknown> {
    return await this.#one({ type: 'read', mbean, attribute }, options);
  }

  /** Result of one operation, named with its signature: `takeSnapshot(java.lang.String,…)`. */
  async execute(mbean: string, operation: string, args: unknown[], options?: CallOptions): Promise<unknown> {
    return await this.#one({ type: 'exec', mbean, operation, arguments: args }, options);
  }

  /** Several entries in one call; each answer has a status of its own. */
  async bulk(requests: JolokiaRequest[], options: CallOptions = {}): Promise<JolokiaResponse[]> {
    const body: unknown = await this.#post(requests, options);
    if (!Array.isArray(body) || body.length !== requests.length) {
      throw new OperatorError(
        'CASSANDRA_ERROR',
        `expected ${requests.length} answers from Jolokia, got something else`,
      );
    }
    return body as JolokiaResponse[];
  }

  close(): void {
    this.#agent.destroy();
  }

  async #one(entry: JolokiaRequest, options: CallOptions = {}): Promise<unknown> {
    const [answer] = await this.bulk([entry], options);
    return valueOf(entry, answer);
  }

  async #post(body: unknown, options: CallOptions): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
    try {
      return await this.#send(JSON.stringify(body), signal);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (deadline.aborted) {
        throw new OperatorError('TIMEOUT', `Cassandra gave no answer to Jolokia within ${timeoutMs} ms`);
      }
      if (error instanceof OperatorError) throw error;
      const message = `Cassandra does not answer (Jolokia, port ${this.#address.port}): ${messageOf(error)}`;
      throw new OperatorError('CASSANDRA_UNAVAILABLE', message, { cause: error });
    }
  }

  async #send(body: string, signal: AbortSignal): Promise<unknown> {
    const { port, user, password } = this.#address;
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const auth = `${user}:${password}`;
    const options = {
      host: '127.0.0.1',
      port,
      path: '/jolokia/',
      method: 'POST',
      auth,
      headers,
      agent: this.#agent,
      signal,
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(options, resolve).on('error', reject).end(body);
    });
    const answer = await text(response);
    if (response.statusCode === 200) return JSON.parse(answer) as unknown;
    const reason = response.statusCode === 401 ? 'refused our password: another process has that port' : 'refused';
    const message = `Jolokia on port ${port} ${reason} (HTTP ${response.statusCode})`;
    throw new OperatorError('CASSANDRA_UNAVAILABLE', message);
  }
}

/** The value of an answer, or Cassandra's own error. */
export function valueOf(entry: JolokiaRequest, answer: JolokiaResponse | undefined): unknown {
  if (answer?.status === 200) return answer.value;
  const what = entry.type === 'exec' ? entry.operation.replace(/\(.*/, '') : `read of ${String(entry.attribute)}`;
  const details = { status: answer?.status ?? null, errorType: answer?.error_type ?? null };
  throw new OperatorError('CASSANDRA_ERROR', `${what}: ${readableError(answer?.error)}`, { details });
}

/** `java.io.IOException : Snapshot x already exists.` → the part for a reader, with the exception's short name. */
function readableError(error: string | undefined): string {
  const message = error ?? 'no reason given';
  return message.replace(/^(?:[a-z]\w*\.)+(\w+) : /, '$1: ');
}
