import { EventEmitter, on, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { abortable } from './skipping-clock.ts';

export interface Posted {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How a receiver answers the nth request, from 0. */
export type Answering = (response: ServerResponse, count: number, request: IncomingMessage) => void;

/** A receiver of webhooks on loopback. */
export async function startReceiver(t: ExecutionContext, answer: Answering = (response) => response.end()) {
  const posted: Posted[] = [];
  const news = new EventEmitter();
  const server = createServer((request, response) => {
    // A request that was cut is none.
    text(request).then(
      (body) => {
        posted.push({ path: request.url ?? '', headers: request.headers, body });
        answer(response, posted.length - 1, request);
        news.emit('posted');
      },
      () => undefined,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** Resolves once so many requests have come. */
  const received = async (count: number): Promise<void> => {
    if (posted.length >= count) return;
    for await (const _ of on(news, 'posted', { signal: abortable(t) })) if (posted.length >= count) return;
  };
  return { posted, received, port, url: new URL(`http://127.0.0.1:${port}/hooks/very-secret-path`) };
}
