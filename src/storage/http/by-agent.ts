import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { timedOut } from './broken.ts';
import type { HttpAnswer } from './exchange.ts';
import { bytesOf, type HttpRequest } from './request-head.ts';

/** Sends a request by Node's own client, through its agent and the proxy that this one knows. `silenceMs`: nothing moves for so long. */
export async function requestByAgent(request: HttpRequest, agent: Agent, silenceMs: number): Promise<HttpAnswer> {
  const body = await send(request, agent, silenceMs);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(body.headers)) headers[name] = String(value);
  // Of one that is read no more nobody is told.
  body.on('error', () => undefined);
  return { status: body.statusCode ?? 0, headers, body };
}

function send(
  { method, url, headers, body, signal, connectMs }: HttpRequest,
  agent: Agent,
  silenceMs: number,
): Promise<IncomingMessage> {
  const isSecure = url.protocol === 'https:';
  const length = body === undefined ? {} : { 'content-length': bytesOf(body) };
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      agent,
      timeout: connectMs,
      headers: { ...length, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('response', resolve);
    // Also one that comes after the answer has begun, which then ends the answer's body as well.
    request.on('error', reject);
    request.on('timeout', () => request.destroy(timedOut()));
    request.once('socket', (socket) => {
      const connected = isSecure ? 'secureConnect' : 'connect';
      if (socket.connecting) socket.once(connected, () => request.setTimeout(silenceMs));
      else request.setTimeout(silenceMs);
    });
    for (const chunk of body ?? []) request.write(chunk);
    request.end();
  });
}
