import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { HttpAnswer } from '../../../src/storage/http/exchange.ts';
import { HttpClient, type HttpClientOptions } from '../../../src/storage/http/http-client.ts';
import type { HttpRequest } from '../../../src/storage/http/request-head.ts';
import { listen } from '../../helpers/listen.ts';

type Test = Pick<ExecutionContext, 'teardown'>;

/** A server that says what a test wants, byte for byte. */
export interface RawServer {
  url: URL;
  /** Those that were ever there. */
  sockets: Socket[];
}

/** `serve` is called for each connection, `nth` from 1. Ends with the test. */
export async function startRaw(
  t: Test,
  serve: (socket: Socket, nth: number) => void,
  tls: TlsOptions | null = null,
): Promise<RawServer> {
  const sockets: Socket[] = [];
  const accept = (socket: Socket): void => {
    sockets.push(socket);
    // Whoever breaks off is what this is for.
    socket.on('error', () => undefined);
    serve(socket, sockets.length);
  };
  const server = tls === null ? createServer(accept) : createTlsServer(tls, accept);
  const port = await listen(t, server);
  return { url: new URL(`${tls === null ? 'http' : 'https'}://127.0.0.1:${port}/`), sockets };
}

/** Calls `act` with each head that has come, and how many there were on this connection. What follows a head is not looked at. */
export function onRequest(socket: Socket, act: (head: string, nth: number) => void): void {
  let text = '';
  let count = 0;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      act(head, ++count);
    }
  });
}

/** An answer with that body. */
export function answered(body: string | Buffer, { status = 200, headers = '' } = {}): Buffer {
  const content = Buffer.from(body as string);
  const head = `HTTP/1.1 ${status} Said\r\ncontent-length: ${content.length}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

/** Resolves when it is, however. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Straight to whoever is asked. */
export function directClient(options: Partial<HttpClientOptions> = {}): HttpClient {
  return new HttpClient({ trust: {}, connections: 4, silenceMs: 10_000, agentFor: () => null, ...options });
}

/** Neither deadlines nor headers of its own. */
export const get = (url: URL, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  connectMs: 10_000,
  ...more,
});

export const contentOf = async ({ body }: HttpAnswer): Promise<Buffer> => Buffer.concat(await body.toArray());

/** As a part's memory is. */
export const memory = (bytes: number): Buffer => Buffer.from(new SharedArrayBuffer(bytes));
