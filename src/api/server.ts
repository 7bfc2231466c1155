import { createServer, maxHeaderSize, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import { messageOf } from '../errors.ts';

/** What Node's HTTP parser says beside the error's code: `reason` in words. */
interface ParserError extends Error {
  code?: string;
  reason?: string;
}

/** An HTTP server for the API, not listening yet. What does not even get as far as the API is answered in JSON as well. */
export function createApiServer(app: Koa): Server {
  const answer = app.callback();
  // Without Host the API itself says what is missing; Node would send a bare 400.
  const server = createServer({ requireHostHeader: false }, (request, response) => void answer(request, response));
  server.on('clientError', refuse);
  return server;
}

function refuse(error: ParserError, socket: Duplex): void {
  // It is answered already and still sends, or it is gone.
  if (!socket.writable) return void socket.destroy();
  const { status, message } = refusal(error);
  const body = `${JSON.stringify({ error: { code: 'BAD_REQUEST', message } }, null, 2)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The status is the one that Node itself would send. */
function refusal(error: ParserError): { status: number; message: string } {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const message = `Expected a request line and headers of at most ${maxHeaderSize / 1024} KiB, got larger ones`;
    return { status: 431, message };
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, message: 'Expected a whole request, but the rest of it did not come in time' };
  }
  return { status: 400, message: `Expected an HTTP/1.1 request, got another one: ${error.reason ?? messageOf(error)}` };
}
