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
  InvalidStorageClass: 'The store has no such storage class: correct storageClass in the location.',
  InvalidTag: 'Correct tags in the location.',
  AccessControlListNotSupported: 'The bucket knows no ACLs: leave acl out of the location.',
  'KMS.NotFoundException': 'There is no such key in the region of the bucket: correct kmsKey in the location.',
  'KMS.DisabledException': 'The key is disabled: enable it, or name another by kmsKey in the location.',
  EntityTooLarge: 'The store takes no objects of this size.',
  IncompleteBody: 'What arrives is not what was sent: look for a proxy or a device on the way that cuts it.',
  BadDigest: 'What arrives is not what was sent: look for a proxy or a device on the way that alters it.',
  XAmzContentChecksumMismatch:
    'What arrives is not what was sent: look for a proxy or a device on the way that alters it.',
  CredentialsProviderError:
    "The node has no credentials for the store: give it AWS' variables, a profile or a role, or add credentials=file:/path to the location.",
};

/** Said by the SDK, in an error without a name. */
const NO_REGION =
  'Nothing says in which region the bucket is: add region=eu-central-1 (or another) to the location, or give the node AWS_REGION or a profile with one.';

/** With a status of 4xx, or in the middle of an answer, but worth another try. */
const PASSING = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'RequestTimeoutException',
  'ThrottlingException',
  'OperationAborted',
  'ConditionalRequestConflict',
  // What came is not what was sent: something on the way has cut or altered it.
  'IncompleteBody',
  'BadDigest',
  'XAmzContentChecksumMismatch',
]);

/** Somebody has ended or changed an upload that we were at. */
const LOST_UPLOAD = new Set(['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder']);
const LOST_UPLOAD_HINT =
  'Somebody else, or a rule of the bucket, ended the upload meanwhile: it is begun anew when the step is tried again.';

/** The SDK's for answers that are none of S3's. */
const WORDLESS = 'UnknownError';
const UNREADABLE = /XML parse error|Deserialization error/;
const NO_S3 = 'What listens there does not answer as S3 does: check endpoint in the location, and proxies.';

const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestExpired',
]);

const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage']);

/**
 * True for the store's own word that there is nothing under that key. The answer to a HEAD has none: isMissingObject takes any 404, as whatever stands
 * before a store may give it.
 */
export function isMissingKey(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'NoSuchKey';
}

/** True for an answer that says that there is nothing under that key. */
export function isMissingObject(error: unknown): boolean {
  const { name } = Object(error) as { name?: unknown };
  return name === 'NoSuchKey' || name === 'NotFound';
}

export function isMissingBucket(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'NoSuchBucket';
}

/** True when the bucket has come since somebody looked. */
export function isTakenBucket(error: unknown): boolean {
  const { name } = Object(error) as { name?: unknown };
  return name === 'BucketAlreadyOwnedByYou' || name === 'BucketAlreadyExists';
}

/** True for an answer with the status 4xx that passes by no other try. */
export function isRefused(error: unknown): boolean {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500 && status !== 429 && status !== 408;
}

/** True for the answer that an upload has ended, or never was. */
export function isMissingUpload(error: unknown): boolean {
  return (Object(error) as { name?: unknown }).name === 'NoSuchUpload';
}

/** True where these credentials may not do it, or the store cannot. */
export function isNotAllowed(error: unknown): boolean {
  const { name } = Object(error) as { name?: unknown };
  return name === 'AccessDenied' || name === 'NotImplemented' || name === 'MethodNotAllowed';
}

/** True for the code of one object among many that was not deleted, but may be by another try. */
export function isPassing(code: string | undefined): boolean {
  return PASSING.has(code ?? '');
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
  const { name = '', $metadata, $response } = Object(error) as Partial<S3ServiceException>;
  const failed = (kind: ErrorCode, said: string, hint?: string): OperatorError =>
    new OperatorError(kind, `${what}: ${said}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  if (error instanceof Error && error.message === 'Region is missing') {
    return { error: failed('STORAGE_FAILED', messageOf(error), NO_REGION), passing: false, retryAfterMs: null };
  }
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 0 && !(error instanceof S3ServiceException)) {
    const known = HINTS[name] === undefined ? error : failed('STORAGE_FAILED', messageOf(error), HINTS[name]);
    return { error: known, passing: false, retryAfterMs: null };
  }
  // Of several lines the first: the others are for who writes programs.
  const said = `${name}${status === 0 ? '' : ` (${status})`}: ${messageOf(error).split('\n', 1)[0]}`;
  if (FULL.has(name) || status === 507) {
    return { error: failed('NO_SPACE', said, HINTS[name]), passing: false, retryAfterMs: null };
  }
  if (LOST_UPLOAD.has(name)) {
    return { error: failed('STORAGE_UNAVAILABLE', said, LOST_UPLOAD_HINT), passing: false, retryAfterMs: null };
  }
  const hint = HINTS[name] ?? hintFor(status, messageOf(error));
  // What came with 200 and is not what was asked for was cut or altered on its way.
  const passing = status >= 500 || status === 429 || status === 408 || PASSING.has(name) || isSuccess(status);
  return {
    error: failed(passing ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED', said, hint),
    passing,
    retryAfterMs: retryAfterMs($response?.headers['retry-after'], Date.now()),
  };
}

/** For answers that have no name of S3's. */
function hintFor(status: number, message: string): string | undefined {
  if (status === 403) return HINTS['AccessDenied'];
  return message === WORDLESS || UNREADABLE.test(message) ? NO_S3 : undefined;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
