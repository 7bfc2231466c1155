import type { IncomingHttpHeaders } from 'node:http';
import { OperatorError, type ErrorCode } from '../../errors.ts';
import { connectionFailure, retryAfterMs } from '../objects/connection-errors.ts';
import { hideSecrets } from '../objects/hide-secrets.ts';
import type { Failure } from '../objects/object-store.ts';

/** What Google answers when it does not do what was asked for. */
export class GsError extends Error {
  readonly status: number;
  /** Google's word for it, for example `notFound`; empty where there is none. */
  readonly reason: string;
  readonly retryAfter: string | undefined;

  constructor(status: number, { reason, message }: { reason: string; message: string }, retryAfter?: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** What whoever gives tokens answers: of objects and buckets it says nothing. */
export class TokenError extends GsError {}

/** The answer to a request for a token. `what`: which token. */
export function tokenError(status: number, body: string, what: string): TokenError {
  const { reason, message } = wordsOf(body);
  return new TokenError(status, { reason, message: message === '' ? what : `${message} (${what})` });
}

/** What an answer's body says, in any of the forms that Google's interfaces give it. */
export function gsError(status: number, headers: IncomingHttpHeaders, body: string): GsError {
  return new GsError(status, wordsOf(hideSecrets(body)), headers['retry-after']);
}

interface Words {
  reason: string;
  message: string;
}

function wordsOf(body: string): Words {
  try {
    const { error, error_description: description } = JSON.parse(body) as Answer;
    if (typeof error === 'string') return { reason: error, message: description ?? '' };
    return { reason: error?.errors?.[0]?.reason ?? error?.status ?? '', message: error?.message ?? '' };
  } catch {
    const inXml = (name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1];
    const isXml = body.trimStart().startsWith('<');
    return { reason: inXml('Code') ?? '', message: inXml('Message') ?? (isXml ? '' : body.trim().slice(0, 500)) };
  }
}

/** Of the JSON interface, or of a token endpoint. */
interface Answer {
  error?: string | { message?: string; status?: string; errors?: { reason?: string }[] };
  error_description?: string;
}

const HINTS: Readonly<Record<number, string>> = {
  400: 'Check the location.',
  401: 'The store does not take these credentials: check credentials in the location, and whether the key was deleted or its account disabled.',
  403: 'Grant the account the role Storage Object Admin (roles/storage.objectAdmin) on the bucket; to make a bucket it needs Storage Admin of the project.',
  404: 'Make the bucket, correct its name, or add createBucket=true to the location.',
  412: 'Somebody else has changed it at the same time.',
  429: 'The store wants fewer requests: fewer nodes at once, or a lower bandwidth.',
};

/** Of a token endpoint, and of reasons that say more than their status. */
const REASON_HINTS: Readonly<Record<string, string>> = {
  invalid_grant:
    'Google does not take the key: set the clock of this host (by NTP), and check that the key was not deleted or expired.',
  invalid_client: 'Google does not know these credentials: check the file that credentials in the location names.',
  unknownAnswer: 'Check endpoint in the location, and proxies: this is not what Google answers.',
  invalid_scope: 'The account may not ask for access to storage.',
  accountDisabled: 'The account, or the billing of its project, is disabled.',
  quotaExceeded: 'The quota of the project or bucket is used up: make room there, or have it raised.',
};

/** Where nothing better is known. */
export const NO_TOKEN_HINT =
  'Name the key file of a service account in the location, by credentials=file:/path, or set GOOGLE_APPLICATION_CREDENTIALS on the node.';

/** A status of 4xx, but worth another try. */
const PASSING_REASONS = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'backendError', 'internalError']);

const FULL_REASONS = new Set(['quotaExceeded', 'storageQuotaExceeded']);

/** True for the store's own word that there is nothing under that key, and not that there is no bucket: others give a 404 as well. */
export function isMissingObject(error: unknown): boolean {
  return (
    hasStatus(error, 404) &&
    (error as GsError).reason === 'notFound' &&
    !/\bbucket\b.* not exist/i.test((error as GsError).message)
  );
}

/** True for such an answer of the store. */
export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof GsError && !(error instanceof TokenError) && statuses.includes(error.status);
}

/** What an error means, and what to do. `what`: the operation, with the key and the place. */
export function explainGs(error: unknown, what: string): Failure {
  if (!(error instanceof GsError)) {
    return connectionFailure(error, what) ?? { error, passing: false, retryAfterMs: null };
  }
  const { status, reason, message, retryAfter } = error;
  const said = `${reason === '' ? '' : `${reason} `}(${status})${message === '' ? '' : `: ${message}`}`;
  const hint = REASON_HINTS[reason] ?? (error instanceof TokenError ? NO_TOKEN_HINT : HINTS[status]);
  const failed = (kind: ErrorCode): OperatorError =>
    new OperatorError(kind, `${what}: ${said}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  if (status === 507 || FULL_REASONS.has(reason)) {
    return { error: failed('NO_SPACE'), passing: false, retryAfterMs: null };
  }
  const passing = isPassing(error);
  return {
    error: failed(passing ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED'),
    passing,
    retryAfterMs: retryAfterMs(retryAfter, Date.now()),
  };
}

function isPassing(error: GsError): boolean {
  const { status, reason } = error;
  return status >= 500 || status === 429 || status === 408 || PASSING_REASONS.has(reason) || isAltered(error);
}

/** The store has said no, and would say so again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof GsError && !(error instanceof TokenError) && error.status !== 401 && !isPassing(error);
}

/** The store got other bytes than were sent, as their checksum tells. */
export function isAltered(error: unknown): boolean {
  return hasStatus(error, 400) && /doesn't match calculated/i.test((error as GsError).message);
}
