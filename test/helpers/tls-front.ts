// What stands between a node and its store: TLS before a server that speaks none, and a proxy.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import type { ExecutionContext } from 'ava';
import { listen } from './listen.ts';

type Test = Pick<ExecutionContext, 'teardown'>;

/** Without it no certificates can be made. */
export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

/** A name that no resolver knows: only the proxy finds the way. */
export const FAR_NAME = 'storage.example';

export interface TlsFront {
  /** `https://127.0.0.1:port`; its certificate is for FAR_NAME as well. */
  url: string;
  port: number;
  /** PEM file with the certificate, which has signed itself. */
  certificateFile: string;
}

/** Ends with the test. `target`: `http://127.0.0.1:port` of the server behind. Needs HAS_OPENSSL. */
export async function startTlsFront(t: Test, target: string): Promise<TlsFront> {
  const directory = mkdtempSync(join(tmpdir(), 'tls-front-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const [keyFile, certificateFile] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1,DNS:${FAR_NAME}`;
  execFileSync('openssl', [...words.split(' '), '-keyout', keyFile, '-out', certificateFile], { stdio: 'ignore' });
  const pems = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
  const port = await listen(
    t,
    createTlsServer(pems, (socket) => joinSockets(socket, connectTo(target))),
  );
  return { url: `https://127.0.0.1:${port}`, port, certificateFile };
}

export interface TestProxy {
  /** `http://127.0.0.1:port` */
  url: string;
  /** `host:port` of each CONNECT, and the URL of each plain request. */
  asked: string[];
}

/** A proxy that goes to 127.0.0.1 for every name. Ends with the test. `refuse`: the status that it answers every CONNECT with. */
export async function startTestProxy(t: Test, { refuse = 200 } = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    const { port, pathname, search } = new URL(request.url ?? '');
    const { method, headers } = request;
    const sent = httpRequest({ host: '127.0.0.1', port, path: pathname + search, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    sent.on('error', () => response.destroy());
    request.pipe(sent);
  });
  server.on('connect', ({ url = '' }, socket: Socket) => {
    asked.push(url);
    if (refuse !== 200) {
      socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    joinSockets(socket, connect(Number(url.split(':').at(-1)), '127.0.0.1'));
  });
  return { url: `http://127.0.0.1:${await listen(t, server)}`, asked };
}

function connectTo(target: string): Socket {
  const { hostname, port } = new URL(target);
  return connect(Number(port), hostname);
}

/** What one says the other hears; each ends with the other. */
function joinSockets(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.on('error', () => other.destroy()).once('close', () => other.destroy());
  other.on('error', () => one.destroy()).once('close', () => one.destroy());
}
