import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf, OperatorError, type ErrorCode } from '../errors.ts';
import type { S3Location } from './s3-location.ts';

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

const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage']);

/** Of Node: the store cannot be reached at all. */
const CONNECTION: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Its name cannot be resolved: check endpoint and region in the location.',
  EAI_AGAIN: 'Its name cannot be resolved now: check the DNS of this host.',
  ECONNREFUSED: 'Nobody listens there: check endpoint in the location, and whether the store runs.',
  EHOSTUNREACH: 'Check endpoint in the location, and the network of this host.',
  ENETUNREACH: 'Check endpoint in the location, and the network of this host.',
  ETIMEDOUT: 'Check endpoint in the location, and firewalls between this host and the store.',
  ECONNRESET:
    'The connection broke, each time: check the network, proxies, and whether endpoint has the right protocol.',
  EPIPE: 'The connection broke, each time: check the network and proxies.',
  DEPTH_ZERO_SELF_SIGNED_CERT: "The store's certificate is of no CA that this host knows.",
  SELF_SIGNED_CERT_IN_CHAIN: "The store's certificate is of no CA that this host knows.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The store's certificate is of no CA that this host knows.",
  CERT_HAS_EXPIRED: "The store's certificate has expired.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The store's certificate is for another name: check endpoint in the location.",
  EPROTO: 'The two do not speak the same TLS: check whether endpoint begins with http or https.',
};

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

/** Turns what the SDK throws into the OperatorError that says what to do. `operation` in lower case, with the key. */
export function s3Error(error: unknown, operation: string, { url }: Pick<S3Location, 'url'>): unknown {
  if (error instanceof OperatorError) return error;
  const { name = '', code = '' } = Object(error) as { name?: string; code?: string };
  const failed = (kind: ErrorCode, said: string, hint?: string): OperatorError =>
    new OperatorError(kind, `${operation} at ${url}: ${said}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    const said = `${name}${status === 0 ? '' : ` (${status})`}: ${error.message}`;
    if (FULL.has(name) || status === 507) return failed('NO_SPACE', said, HINTS[name]);
    const hint = HINTS[name] ?? (status === 403 ? HINTS['AccessDenied'] : undefined);
    const mayPass = status >= 500 || status === 429 || status === 408;
    return failed(mayPass ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED', said, hint);
  }
  if (HINTS[name] !== undefined) return failed('STORAGE_FAILED', messageOf(error), HINTS[name]);
  if (name === 'TimeoutError' || CONNECTION[code] !== undefined) {
    return failed('STORAGE_UNAVAILABLE', messageOf(error) || code, CONNECTION[code] ?? CONNECTION['ETIMEDOUT']);
  }
  return error;
}
