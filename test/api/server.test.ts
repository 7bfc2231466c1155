import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import Koa from 'koa';
import { createApiServer } from '../../src/api/server.ts';
import { problems } from './document.ts';
import { startApi } from './helpers.ts';

/** Sends these bytes and waits until the server has closed the connection. */
async function send(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  const received = await text(socket);
  const [head = '', body = ''] = received.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}

const LONG = 'x'.repeat(20_000);

for (const [what, bytes, status, message] of [
  ['no HTTP', 'hello\r\n\r\n', 400, /Expected an HTTP\/1\.1 request, got another one: \w/],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, /Expected an HTTP\/1\.1 request/],
  [
    'a header without a name',
    'GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n',
    400,
    /Expected an HTTP\/1\.1 request/,
  ],
  ['a malformed chunk', chunked('nonsense\r\n'), 400, /Expected an HTTP\/1\.1 request/],
  ['a path that is too long', `GET /${LONG} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, /at most 16 KiB/],
  ['headers that are too long', `GET / HTTP/1.1\r\nHost: localhost\r\nX-Y: ${LONG}\r\n\r\n`, 431, /at most 16 KiB/],
  [
    'no Host',
    'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    403,
    /Expected a loopback name in the Host header, got none/,
  ],
] as const) {
  test(`A request with ${what} is refused in JSON`, async (t) => {
    const api = await startApi(t);
    const answer = await send(api.port, bytes);
    t.is(answer.status, status);
    t.is(answer.headers.get('content-type'), 'application/json; charset=utf-8');
    t.is(answer.headers.get('content-length'), String(Buffer.byteLength(answer.body)));
    t.is(answer.headers.get('connection'), 'close');
    t.is(answer.headers.get('x-content-type-options'), 'nosniff');
    const body = JSON.parse(answer.body);
    t.deepEqual(problems(body, '/components/schemas/Error'), []);
    t.regex(body.error.message, message);
    t.is(api.jobs.list().length, 0);
    t.is((await api.call('GET', '/health/process')).status, 200);
  });
}

function chunked(body: string): string {
  const type = 'Content-Type: application/json\r\nTransfer-Encoding: chunked';
  return `POST /cluster/backup/start HTTP/1.1\r\nHost: localhost\r\n${type}\r\n\r\n${body}`;
}

test('A request whose rest does not come is refused in JSON once the time is over', async (t) => {
  const server = createApiServer(new Koa());
  // Node looks at its times every half a minute only; this is what it says then.
  const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  server.on('connection', (socket) => server.emit('clientError', error, socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const answer = await send((server.address() as AddressInfo).port, 'GET /conf');
  t.is(answer.status, 408);
  t.regex(JSON.parse(answer.body).error.message, /Expected a whole request/);
});

test('A connection that breaks off in the middle of a request troubles nobody', async (t) => {
  const api = await startApi(t);
  for (const bytes of ['GET /conf', chunked('5\r\n{"na')]) {
    const socket = connect(api.port, '127.0.0.1');
    await once(socket, 'connect');
    await new Promise((sent) => socket.write(bytes, sent));
    socket.resetAndDestroy();
  }
  t.is((await api.call('GET', '/health/process')).status, 200);
  t.is(api.jobs.list().length, 0);
  t.is(api.seen.log, '');
});
