import type { HttpOperationResponse, IHttpClient } from '@azure/storage-blob';
import type { HttpClient } from '../http/http-client.ts';
import { bodyOf, type HttpRequest } from '../http/request-head.ts';

/** Where the content of an answer may be written straight away. */
export type Into = Pick<HttpRequest, 'into' | 'moved'>;

/** Of requests that are under way, by their signals: Azure's library hands on nothing else that it does not know. */
const PLACES = new WeakMap<AbortSignal, Into>();

/** For the next request with that signal, which is of this one alone. */
export function readInto(signal: AbortSignal, { into, moved }: Into): void {
  PLACES.set(signal, { into, moved });
}

/**
 * Sends the requests of Azure's library. Its own way knows no deadline but one for everything: a store that is not there would be waited for as
 * long as one that takes its time with a large part.
 */
export function azureHttp(client: HttpClient, connectMs: number): IHttpClient {
  return {
    async sendRequest(request): Promise<HttpOperationResponse> {
      const { method, abortSignal, streamResponseStatusCodes } = request;
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const answer = await client.request({
        method,
        url: new URL(request.url),
        headers: request.headers.toJson({ preserveCase: true }),
        // What is empty says so.
        body: bodyOf(request.body) ?? [],
        signal,
        connectMs,
        ...(signal && PLACES.get(signal)),
      });
      const { status, body } = answer;
      const headers = request.headers.clone();
      for (const name of headers.headerNames()) headers.remove(name);
      for (const [name, value] of Object.entries(answer.headers)) headers.set(name, value);
      if (streamResponseStatusCodes?.has(status)) return { request, status, headers, readableStreamBody: body };
      return { request, status, headers, bodyAsText: Buffer.concat(await body.toArray()).toString('utf8') };
    },
  };
}
