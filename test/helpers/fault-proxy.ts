// An HTTP proxy on loopback before a store, that does what a test tells it to chosen requests. The client speaks to the proxy's own address, and the
// Host header that it signed is passed on as it came.
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';

/** A request as it came. */
export interface Seen {
  method: string;
  /** Decoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
}

export type Match = (request: Seen) => boolean;

/** An answer that is not the store's. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** What happens to a request; what is left out goes its way. */
export interface Fault {
  /** Done when all of it has come and nothing is sent on yet: what somebody else does meanwhile. `gone`: who asked has given up. */
  before?: (gone: Promise<unknown>) => Promise<unknown>;
  /** The store never sees it, and this is answered. */
  answer?: Reply;
  /** The connection ends when so many bytes of its body have come. */
  cutRequestAt?: number;
  /** One bit of this byte of its body is another one on its way. */
  alterRequestAt?: number;
  /** The store has done it, and then the connection ends (`lost`), or this is answered. */
  instead?: 'lost' | Reply;
  /** The connection ends after so many bytes of the answer's body. */
  cutAnswerAt?: number;
  alterAnswerAt?: number;
  /** The answer has only so many bytes, and says so. */
  shortenAnswerTo?: number;
  /** Nothing moves from this byte of the answer's body on, and nobody is told. */
  silentAt?: number;
}

export interface FaultProxy {
  /** `http://127.0.0.1:port` */
  url: string;
  seen: readonly Seen[];
  /** Those whose answers have gone back. */
  done: readonly Seen[];
  /** From now on the `nth` request (1: the next one) that matches and those after it, `times` in all, meet the fault. */
  when(match: Match, fault: Fault, which?: { nth?: number; times?: number }): Met;
  /** All goes its way again. */
  calm(): void;
  /** The store is away: all connections end, and so does each new one. It is back, which this resolves with, when so many were tried. */
  away(tries: number): Promise<void>;
  count(match: Match): number;
  /** Resolves when so many that match have been answered, of those since it was made or told to forget. */
  answered(match: Match, count: number): Promise<void>;
  forget(): void;
  /** Resolves when no request is under way any more. */
  idle(): Promise<void>;
}

/** How often a fault has been met. */
export interface Met {
  readonly times: number;
  /** Resolves when it has been met for the first time. */
  readonly once: Promise<void>;
}

interface Rule {
  match: Match;
  fault: Fault;
  /** Requests that pass before it. */
  skip: number;
  left: number;
  met: () => void;
}

/** Ends with the test. `target`: URL of the real server. */
export async function startFaultProxy(t: Pick<ExecutionContext, 'teardown'>, target: string): Promise<FaultProxy> {
  const proxy = new Proxying(new URL(target));
  proxy.server.listen(0, '127.0.0.1');
  await once(proxy.server, 'listening');
  t.teardown(async () => {
    proxy.server.close();
    proxy.server.closeAllConnections();
    await once(proxy.server, 'close');
  });
  return proxy;
}

class Proxying implements FaultProxy {
  readonly server: Server;
  seen: Seen[] = [];
  done: Seen[] = [];
  readonly #target: URL;
  /** One connection for each request: none that the server may have closed meanwhile. */
  readonly #agent = new Agent({ keepAlive: false });
  #rules: Rule[] = [];
  #refusing: { left: number; back: () => void } | null = null;
  #listeners: (() => void)[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(target: URL) {
    this.#target = target;
    this.server = createServer((request, response) => {
      const handled = this.#handle(request, response).catch(() => {
        // A connection that ends early is what this is for.
        response.destroy();
      });
      this.#underWay.add(handled);
      void handled.finally(() => this.#underWay.delete(handled));
    });
    this.server.on('connection', (socket) => this.#refuse(socket));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  when(match: Match, fault: Fault, { nth = 1, times = 1 } = {}): Met {
    let first!: () => void;
    const once = new Promise<void>((resolve) => (first = resolve));
    const met = { times: 0, once };
    const count = (): void => {
      met.times += 1;
      first();
    };
    this.#rules.push({ match, fault, skip: nth - 1, left: times, met: count });
    return met;
  }

  calm(): void {
    this.#rules = [];
  }

  away(tries: number): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((back) => (this.#refusing = { left: tries, back }));
  }

  #refuse(socket: Socket): void {
    if (this.#refusing === null) return;
    socket.destroy();
    this.#refusing.left -= 1;
    if (this.#refusing.left > 0) return;
    this.#refusing.back();
    this.#refusing = null;
  }

  count(match: Match): number {
    return this.seen.filter(match).length;
  }

  async answered(match: Match, count: number): Promise<void> {
    while (this.done.filter(match).length < count) {
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  forget(): void {
    this.seen = [];
    this.done = [];
  }

  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #fault(seen: Seen): Fault {
    for (const rule of this.#rules) {
      if (rule.left === 0 || !rule.match(seen)) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.left -= 1;
      rule.met();
      return rule.fault;
    }
    return {};
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', this.#target);
    const { method = 'GET', headers } = request;
    const seen = { method, path: decodeURIComponent(pathname), query, headers };
    this.seen.push(seen);
    const fault = this.#fault(seen);
    let body: Readable = request;
    if (fault.before !== undefined) {
      const gone = once(response, 'close');
      // Of a connection from which nobody reads the end is not seen either.
      body = Readable.from([Buffer.concat(await request.toArray())]);
      await fault.before(gone);
    }
    if (fault.answer !== undefined) {
      for await (const _ of body);
      await reply(response, fault.answer);
    } else {
      const answer = await this.#sendOn({ request, body }, response, fault);
      await giveBack(answer, response, fault);
    }
    this.done.push(seen);
    for (const listener of this.#listeners.splice(0)) listener();
  }

  async #sendOn(
    { request, body }: { request: IncomingMessage; body: Readable },
    response: ServerResponse,
    fault: Fault,
  ): Promise<IncomingMessage> {
    const { expect: _, connection: __, ...headers } = request.headers;
    const { hostname, port } = this.#target;
    const { method, url: path } = request;
    const sent = httpRequest({ hostname, port, method, path, headers, agent: this.#agent });
    response.once('close', () => sent.destroy());
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    // Of a request that breaks both are told.
    answered.catch(() => undefined);
    await pipeline(body, (source: Readable) => spoilt(source, fault.cutRequestAt, fault.alterRequestAt), sent);
    return (await answered)[0];
  }
}

async function giveBack(answer: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
  const { instead, cutAnswerAt, alterAnswerAt, shortenAnswerTo, silentAt } = fault;
  if (instead !== undefined) {
    for await (const _ of answer);
    if (instead === 'lost') response.destroy();
    else await reply(response, instead);
    return;
  }
  const headers: IncomingMessage['headers'] = { ...answer.headers };
  delete headers.connection;
  if (shortenAnswerTo !== undefined) {
    headers['content-length'] = String(shortenAnswerTo);
    delete headers['transfer-encoding'];
  }
  response.writeHead(answer.statusCode ?? 500, headers);
  response.flushHeaders();
  const body = (source: Readable) => spoilt(source, cutAnswerAt, alterAnswerAt);
  if (shortenAnswerTo !== undefined) await pipeline(answer, (source) => begin(source, shortenAnswerTo), response);
  else if (silentAt !== undefined) await silence(answer, response, silentAt);
  else await pipeline(answer, body, response);
}

async function reply(response: ServerResponse, { status, headers = {}, body = '' }: Reply): Promise<void> {
  // Who asked has given up meanwhile.
  if (response.closed) return;
  response.writeHead(status, headers).end(body);
  await once(response, 'close');
}

/** Throws where it is to be cut. */
async function* spoilt(
  body: AsyncIterable<Buffer>,
  cutAt: number | undefined,
  alterAt: number | undefined,
): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of body) {
    if (cutAt !== undefined && at + chunk.length > cutAt) {
      yield chunk.subarray(0, cutAt - at);
      throw new Error('cut');
    }
    if (alterAt !== undefined && alterAt >= at && alterAt < at + chunk.length) chunk[alterAt - at]! ^= 1;
    yield chunk;
    at += chunk.length;
  }
  if (cutAt !== undefined) throw new Error('cut');
}

async function* begin(body: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of body) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
  }
}

/** Ends when whoever asked has given up. */
async function silence(answer: IncomingMessage, response: ServerResponse, at: number): Promise<void> {
  const gone = once(response, 'close');
  for await (const chunk of begin(answer, at)) response.write(chunk);
  await gone;
}
