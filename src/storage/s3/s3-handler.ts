import type { HttpClient } from '../http/http-client.ts';
import { bodyOf } from '../http/request-head.ts';

/** Of the SDK's own request what is needed to send it. */
interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: unknown;
}

/** What `client.send` takes beside a command. */
export interface SendOptions {
  abortSignal?: AbortSignal;
  /** The answer has content of an object; everything else is small. */
  isContent?: boolean;
  /** The body of an answer with content of an object may be written straight into it; it is then one chunk. */
  into?: Buffer;
  /** Called whenever something of it has come there. */
  moved?: () => void;
}

/** Sends what the SDK has made and signed. */
export function s3Handler(client: HttpClient, connectMs: number) {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SignedRequest, { abortSignal: signal, isContent = false, into, moved }: SendOptions = {}) {
      const { method, headers } = request;
      const sent = { method, url: urlOf(request), headers, body: bodyOf(request.body), signal, connectMs, into, moved };
      const answer = await client.request(sent);
      const { status: statusCode } = answer;
      // What breaks while the SDK looks the other way would be told to nobody.
      const isStream = isContent && statusCode < 300;
      const body = isStream ? answer.body : Buffer.concat(await answer.body.toArray());
      return { response: { statusCode, headers: answer.headers, body } };
    },
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: SignedRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  // Encoded by the SDK as it has signed it. The setter leaves dots in it alone but for whole segments of them, which no key has.
  url.pathname = path;
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((each) => (each === null ? encoded(name) : `${encoded(name)}=${encoded(each)}`)),
  );
  url.search = pairs.join('&');
  return url;
}

/** As the signature has it (RFC 3986). */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
