import { OperatorError, type ErrorCode } from '../../errors.ts';
import type { Failure } from './object-store.ts';

/** Not a code of Node's: stands for all that its parser says of a broken answer. */
const GARBLED = 'HPE_';

/** Of Node: the store cannot be reached at all, with what an operator can do about it. */
const HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Its name cannot be resolved: check endpoint, region or account in the location.',
  EAI_AGAIN: 'Its name cannot be resolved now: check the DNS of this host.',
  ECONNREFUSED:
    'Nobody listens there: check endpoint in the location, and proxy if there is one, and whether the store runs.',
  EHOSTUNREACH: 'Check endpoint in the location, and the network of this host.',
  ENETUNREACH: 'Check endpoint in the location, and the network of this host.',
  ETIMEDOUT: 'Check endpoint in the location, and firewalls between this host and the store.',
  ECONNRESET:
    'The connection broke, each time: check the network, proxies, and whether endpoint has the right protocol.',
  EPIPE: 'The connection broke, each time: check the network and proxies.',
  ERR_PROXY_TUNNEL:
    'The proxy does not reach the store: check endpoint and proxy in the location, or HTTPS_PROXY and NO_PROXY.',
  ERR_STREAM_PREMATURE_CLOSE: 'The connection broke, each time: check the network and proxies.',
  [GARBLED]: 'What came is not HTTP as it should be, each time: check the network and proxies.',
};

const UNKNOWN_CA =
  "The store's certificate is of no CA that this host knows: name a file with its CA's by caFile=/path in the location.";

/** Not a code of Node's: the tunnel's, with what the proxy answers to those whom it does not let through. */
const PROXY_REFUSES = 'PROXY_REFUSES';

/** These do not pass by themselves. */
const FINAL_HINTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  CERT_HAS_EXPIRED: "The store's certificate has expired.",
  CERT_NOT_YET_VALID: "The store's certificate is not valid yet: check the clock of this host.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The store's certificate is for another name: check endpoint in the location.",
  EPROTO: 'The two do not speak the same TLS: check whether endpoint begins with http or https.',
  HPE_INVALID_CONSTANT: 'What listens there does not speak HTTP: check endpoint in the location.',
  [PROXY_REFUSES]:
    'The proxy does not let this host through: check proxy in the location, or HTTPS_PROXY and NO_PROXY of the process. A proxy with a password stands in HTTPS_PROXY.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The two do not speak the same TLS: check whether endpoint begins with http or https.',
};

interface ErrorOfNode extends Partial<Record<'code' | 'name' | 'cause' | 'statusCode', unknown>> {
  errors?: unknown[];
}

/** Code of Node's that an error has, or what caused it; null where it is of no connection. */
function connectionCode(error: unknown): string | null {
  for (let each = error, depth = 0; each instanceof Object && depth < 5; depth += 1) {
    const { code, name, cause, statusCode, errors } = each as ErrorOfNode;
    if (code === 'ERR_PROXY_TUNNEL' && Number(statusCode) < 500) return PROXY_REFUSES;
    if (typeof code === 'string' && (code in HINTS || code in FINAL_HINTS)) return code;
    if (typeof code === 'string' && code.startsWith('HPE_')) return GARBLED;
    if (name === 'TimeoutError') return 'ETIMEDOUT';
    each = cause ?? errors?.[0];
  }
  return null;
}

/** What it means when the store could not be reached or the connection broke; null for everything else. `what`: the operation and the place. */
export function connectionFailure(error: unknown, what: string): Failure | null {
  const code = connectionCode(error);
  if (code === null) return null;
  const said = `${what}: ${textOf(error).trim() || code}`;
  const [kind, hint]: [ErrorCode, string | undefined] =
    code in HINTS ? ['STORAGE_UNAVAILABLE', HINTS[code]] : ['STORAGE_FAILED', FINAL_HINTS[code]];
  const told = new OperatorError(kind, said, { cause: error, ...(hint === undefined ? {} : { hint }) });
  return { error: told, passing: code in HINTS, retryAfterMs: null };
}

/** Of several addresses that were tried each has its error, and all of them together have no text. */
function textOf(error: unknown): string {
  const { message = '', errors = [] } = error as { message?: string; errors?: { message?: string }[] };
  return message || errors.map((each) => each.message).join(', ');
}

/** The value of a Retry-After header in ms: seconds, or a date. Null for none, or what is neither. */
export function retryAfterMs(header: string | null | undefined, now: number): number | null {
  if (header === null || header === undefined || header === '') return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
