// A master or an agent played by the test: a real HTTP server whose answers the test gives one by one.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

/** Things that come one by one, and are waited for one by one. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  take(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  get size(): number {
    return this.#items.length;
  }
}

/** One request as it came, and the ways to answer it. */
export interface Exchange {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** 200 with records to follow. */
  stream(...records: Uint8Array[]): void;
  /** More records on the stream. */
  send(...records: Uint8Array[]): void;
  /** The stream's end. */
  end(): void;
  /** 202. */
  accept(): void;
  answer(status: number, text?: string, headers?: Record<string, string>): void;
}

export interface Peer {
  /** `127.0.0.1:port` */
  address: string;
  requests: Inbox<Exchange>;
  /** Ends all connections and refuses new ones. */
  close(): Promise<void>;
}

export const STREAM_ID = '670760d4-3de6-4b4f-b48b-3396a424e7bd';

/** Of tls/: `ca.pem`, by which the certificate of a peer with TLS is signed, or `other-ca.pem`. */
export function certificate(name: string): string {
  return readFileSync(new URL(`./tls/${name}`, import.meta.url), 'utf8');
}

/** With `tls` it speaks https. */
export async function startPeer(t: ExecutionContext, { tls = false } = {}): Promise<Peer> {
  const requests = new Inbox<Exchange>();
  const onRequest: RequestListener = (request, response) => {
    void buffer(request).then((body) => {
      requests.put({ path: request.url ?? '', headers: request.headers, body, ...answers(response) });
    });
  };
  const server = tls
    ? createTlsServer({ cert: certificate('server.pem'), key: certificate('server-key.pem') }, onRequest)
    : createServer(onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  t.teardown(close);
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}

function answers(response: ServerResponse): Omit<Exchange, 'path' | 'headers' | 'body'> {
  const send = (...records: Uint8Array[]): void => {
    for (const record of records) response.write(record);
  };
  return {
    send,
    stream(...records) {
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf', 'Mesos-Stream-Id': STREAM_ID });
      response.flushHeaders();
      send(...records);
    },
    end: () => response.end(),
    accept: () => response.writeHead(202).end(),
    answer: (status, text = '', headers = {}) => response.writeHead(status, headers).end(text),
  };
}
