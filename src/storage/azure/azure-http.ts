import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HttpOperationResponse, IHttpClient, WebResource } from '@azure/storage-blob';
import { SILENCE_MS, type NetworkAgents } from '../network.ts';

/**
 * Sends the requests of Azure's library. Its own way knows no deadline but one for everything: a store that is not there would be waited for as
 * long as one that takes its time with a large part.
 */
export function azureHttp(agents: NetworkAgents, connectMs: number): IHttpClient {
  return {
    async sendRequest(request): Promise<HttpOperationResponse> {
      const answer = await send(request, agents, connectMs);
      const status = answer.statusCode ?? 0;
      const headers = request.headers.clone();
      for (const name of headers.headerNames()) headers.remove(name);
      for (const [name, value] of Object.entries(answer.headers)) headers.set(name, String(value));
      if (request.streamResponseStatusCodes?.has(status)) {
        return { request, status, headers, readableStreamBody: answer };
      }
      return { request, status, headers, bodyAsText: await readText(answer) };
    },
  };
}

function send(resource: WebResource, agents: NetworkAgents, connectMs: number): Promise<IncomingMessage> {
  const url = new URL(resource.url);
  const isSecure = url.protocol === 'https:';
  const body = bodyOf(resource);
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method: resource.method,
      agent: isSecure ? agents.https : agents.http,
      timeout: connectMs,
      headers: { ...resource.headers.toJson({ preserveCase: true }), 'content-length': Buffer.byteLength(body) },
      ...(resource.abortSignal instanceof AbortSignal ? { signal: resource.abortSignal } : {}),
    });
    request.once('response', resolve);
    // Also one that comes after the answer has begun, which then ends the answer's body as well.
    request.on('error', reject);
    request.on('timeout', () => request.destroy(silent()));
    request.once('socket', (socket) => {
      const connected = isSecure ? 'secureConnect' : 'connect';
      if (socket.connecting) socket.once(connected, () => request.setTimeout(SILENCE_MS));
      else request.setTimeout(SILENCE_MS);
    });
    request.end(body);
  });
}

/** All that is sent is in memory: parts, and the library's XML. */
function bodyOf({ body }: WebResource): string | Buffer {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body;
  throw new Error('expected the body of a request to be text or bytes');
}

function silent(): Error {
  return Object.assign(new Error('it did not answer in time'), { code: 'ETIMEDOUT' });
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
