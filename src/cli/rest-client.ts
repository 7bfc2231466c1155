import { OperatorError, isErrorCode, messageOf, type ErrorCode } from '../errors.ts';

const CALL_TIMEOUT_MS = 30_000;

/** The scheduler's refusal, with its answer as it came. */
export class RestError extends OperatorError {
  readonly body: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, hint: string | undefined, body: Record<string, unknown>) {
    super(code, message, hint === undefined ? {} : { hint });
    this.body = body;
  }
}

/** The scheduler's REST API. Answers are parsed JSON; refusals are RestErrors. */
export interface RestClient {
  get<T>(path: string): Promise<T>;
  /** What is undefined in the body is not sent. */
  post<T>(path: string, body?: Record<string, unknown>): Promise<T>;
  put<T>(path: string, body: Record<string, unknown>): Promise<T>;
  delete<T>(path: string, body?: Record<string, unknown>): Promise<T>;
}

/** Throws BAD_REQUEST for what is not an http(s) URL. Calls throw SCHEDULER_UNREACHABLE when nothing answers. */
export function restClient(options: {
  url: string;
  token: string | null;
  signal: AbortSignal | undefined;
}): RestClient {
  const base = checkUrl(options.url);
  const call = async <T>(method: string, path: string, body?: Record<string, unknown>) => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.token !== null && method !== 'GET') headers['authorization'] = `Bearer ${options.token}`;
    if (body) headers['content-type'] = 'application/json';
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    try {
      const response = await fetch(new URL(base.pathname.replace(/\/+$/, '') + path, base), {
        method,
        headers,
        signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return readAnswer(response.status, await response.text(), base) as T;
    } catch (error) {
      if (error instanceof OperatorError || options.signal?.aborted) throw error;
      throw unreachable(base, reasonOf(error), error);
    }
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    delete: (path, body) => call('DELETE', path, body),
  };
}

function checkUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '') return parsed;
  // The URL itself may hold a password, so it is not repeated.
  throw new OperatorError('BAD_REQUEST', 'Expected --url as http://host:port or https://host:port without a password', {
    hint: 'The default is http://127.0.0.1:18080.',
  });
}

function readAnswer(status: number, text: string, base: URL): unknown {
  const answer = parseJson(text);
  if (answer === undefined) {
    if (status >= 502 && status <= 504) throw unreachable(base, `a proxy answered HTTP ${status}`);
    throw new OperatorError('INTERNAL', `Expected JSON from ${base.origin}, got something else with HTTP ${status}`, {
      hint: 'Check that --url is the address of the scheduler and not of another server.',
    });
  }
  if (status < 400) return answer;
  const body = (answer ?? {}) as { error?: Record<string, unknown>; [beside: string]: unknown };
  const { code, message, hint } = body.error ?? {};
  throw new RestError(
    isErrorCode(code) ? code : status < 500 ? 'BAD_REQUEST' : 'INTERNAL',
    typeof message === 'string' ? message : `The scheduler answered HTTP ${status}`,
    typeof hint === 'string' ? hint : undefined,
    body,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(base: URL, reason: string, cause?: unknown): OperatorError {
  return new OperatorError('SCHEDULER_UNREACHABLE', `Could not reach the scheduler at ${base.origin}: ${reason}`, {
    cause,
    hint: 'Check that the scheduler runs, and that --url or CASSANDRA_MESOS_URL is where its API listens.',
  });
}

/** fetch says "fetch failed" and keeps the reason in the cause; several addresses tried make an AggregateError. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error;
  if (name === 'TimeoutError') return `no answer within ${CALL_TIMEOUT_MS / 1000} s`;
  const reason = cause instanceof AggregateError ? cause.errors[0] : (cause ?? error);
  return messageOf(reason);
}
