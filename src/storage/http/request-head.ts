/** A request as it is sent. */
export interface HttpRequest {
  method: string;
  url: URL;
  /** `host` and `content-length` are added where they are missing. */
  headers: Readonly<Record<string, string>>;
  /** All that is sent is in memory: parts, and what libraries write. Left out: none. */
  body?: readonly Uint8Array[] | undefined;
  signal?: AbortSignal | undefined;
  /** A connection that is not there within so long (ms) is given up. */
  connectMs: number;
  /** The body of a success that says how long it is, and fits, is written straight into it; it is then all of `body`. */
  into?: Buffer | undefined;
  /** Called whenever something of the answer has come into `into`. */
  moved?: (() => void) | undefined;
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Neither line ends nor other control characters, and one byte each (RFC 9110, 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** A request target has no spaces; URL has encoded what else is none of its characters. */
const TARGET = /^[\x21-\x7e]+$/;

/** The head that stands before the body. Throws where a part of it could be read as something else; values are not told, they may be secret. */
export function requestHead({ method, url, headers, body }: HttpRequest): string {
  const target = url.pathname + url.search;
  if (!NAME.test(method) || !TARGET.test(target)) throw new Error('expected a method and a path of HTTP');
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!names.has('host')) lines.push(`host: ${url.host}`);
  if (body !== undefined && !names.has('content-length')) lines.push(`content-length: ${bytesOf(body)}`);
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name)) throw new Error('expected the name of a header, got something else');
    if (!VALUE.test(value)) throw new Error(`expected the header ${name} to be one line of text`);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export function bytesOf(body: readonly Uint8Array[]): number {
  return body.reduce((sum, { length }) => sum + length, 0);
}

/** The body of a request as a library has made it; undefined for none. Throws where it is neither text nor bytes: all that is sent is in memory. */
export function bodyOf(body: unknown): Uint8Array[] | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Uint8Array) return [body];
  if (typeof body === 'string') return [Buffer.from(body)];
  throw new Error('expected the body of a request to be text or bytes');
}
