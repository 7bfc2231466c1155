import { once } from 'node:events';
import {
  createServer,
  request as send,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** A request that has come whole. */
export interface Asked {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What is done instead of passing a request on: it is answered; passed on otherwise; passed on and never answered; or cut before it. */
export type Meddling = { status: number; headers?: Record<string, string>; body?: string } | Asked | 'lost' | 'cut';

/** A server of the test's own in front of another: `meddle` sees what comes, and null lets it pass. */
export async function startFront(
  t: ExecutionContext,
  target: string,
  meddle: (asked: Asked) => Meddling | null,
): Promise<{ endpoint: string }> {
  const server = createServer((request, response) => {
    serve(request, response, target, meddle).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  meddle: (asked: Asked) => Meddling | null,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  const asked = { method, url: new URL(url, target), headers, body: await collect(request) };
  const how = meddle(asked);
  if (how === 'cut') return void request.socket.destroy();
  if (how !== null && how !== 'lost' && 'status' in how) {
    return void response.writeHead(how.status, how.headers).end(how.body);
  }
  const answer = await passOn(how === null || how === 'lost' ? asked : how);
  const body = await collect(answer);
  if (how === 'lost') return void request.socket.destroy();
  response.writeHead(answer.statusCode ?? 0, { ...answer.headers, 'content-length': body.length }).end(body);
}

async function passOn({ method, url, headers, body }: Asked): Promise<IncomingMessage> {
  const request = send(url, { method, headers: { ...headers, host: url.host, 'content-length': body.length } });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
