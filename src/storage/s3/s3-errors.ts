import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf, OperatorError, type ErrorCode } from '../../errors.ts';
import { connectionFailure, retryAfterMs } from '../objects/connection-errors.ts';
import type { Failure } from '../objects/object-store.ts';

/** Names of what S3 answers, with what an operator can do about it. */
const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Make the bucket, correct its name, or add createBucket=true to the location.',
  InvalidAccessKeyId: "The store does not know this access key: check the node's credentials and the endpoint.",
  // versitygw's.
  XAdminUserNotFound: "The store does not know this access key: check the node's credentials and the endpoint.",
  SignatureDoesNotMatch: 'The secret key is not the one of this access key, or a proxy changes requests.',
  AccessDenied: 'Allow this key to list the bucket, and to get, put and delete objects below the prefix.',
  AllAccessDisabled: 'The bucket is disabled: ask who owns it.',
  ExpiredToken: 'The session token has expired, and nobody renews it: give credentials that last, or a role.',
  InvalidToken: 'The session token is not of this store.',
  PermanentRedirect: 'The bucket is in another region: correct region in the location.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: correct region in the location.',
  IllegalLocationConstraintException: 'The bucket is in another region: correct region in the location.',
  RequestTimeTooSkewed: 'The clock of this host and that of the store differ: set it, by NTP.',
  QuotaExceeded: 'The bucket is full: make room there, or have its quota raised.',
  XMinioStorageFull: 'The store is full.',
  EntityTooLarge: 'The store takes no objects of this size.',
  CredentialsProviderError:
    "The node has no credentials for the store: give it AWS' variables, a profile or a role, or add credentials=file:/path to the location.",
};

/** Said by the SDK, in an error without a name. */
const NO_REGION =
  'Nothing says in which region the bucket is: add region=eu-central-1 (or another) to the location, or give the node AWS_REGION or a profile with one.';

/** With a status of 4xx, or in the middle of an answer, but worth another try. */
const PASSING = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeoutException',
  'ThrottlingException',
  'OperationAborted',
]);

const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestExpired',
]);

const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage']);

/** True for an answer that says that there is nothing under that key. */
export function isMissingObject(error: unknown): boolean {
  const { name } = Object(error) as { name?: unknown };
  return name === 'NoSuchKey' || name === 'NotFound';
}

export function isMissingBucket(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'NoSuchBucket';
}

/** True for the answer to a range of an object that has no bytes. */
export function isEmptyObject(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'InvalidRange';
}

/** True when another one was faster, or somebody has put something there. */
export function isPreconditionFailed(error: unknown): boolean {
  const { name, $metadata } = Object(error) as { name?: unknown; $metadata?: { httpStatusCode?: number } };
  return name === 'PreconditionFailed' || $metadata?.httpStatusCode === 412;
}

/** True for credentials that were good once: new ones may be there. */
export function isExpired(error: unknown): boolean {
  return EXPIRED.has(String((Object(error) as { name?: unknown }).name));
}

/** What an error of the SDK means, and what to do. `what`: the operation, with the key and the place. */
export function explainS3(error: unknown, what: string): Failure {
  const connection = connectionFailure(error, what);
  if (connection !== null) return connection;
  const { name = '' } = Object(error) as { name?: string };
  const failed = (kind: ErrorCode, said: string, hint?: string): OperatorError =>
    new OperatorError(kind, `${what}: ${said}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  if (error instanceof S3ServiceException) {
    const { $metadata, $response } = error;
    const status = $metadata.httpStatusCode ?? 0;
    const said = `${name}${status === 0 ? '' : ` (${status})`}: ${error.message}`;
    if (FULL.has(name) || status === 507) {
      return { error: failed('NO_SPACE', said, HINTS[name]), passing: false, retryAfterMs: null };
    }
    const hint = HINTS[name] ?? (status === 403 ? HINTS['AccessDenied'] : undefined);
    const passing = status >= 500 || status === 429 || status === 408 || PASSING.has(name);
    return {
      error: failed(passing ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED', said, hint),
      passing,
      retryAfterMs: retryAfterMs($response?.headers['retry-after'], Date.now()),
    };
  }
  if (messageOf(error) === 'Region is missing')
    return { error: failed('STORAGE_FAILED', messageOf(error), NO_REGION), passing: false, retryAfterMs: null };
  const known = HINTS[name] === undefined ? error : failed('STORAGE_FAILED', messageOf(error), HINTS[name]);
  return { error: known, passing: false, retryAfterMs: null };
}
