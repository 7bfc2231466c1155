import { RestError } from '@azure/storage-blob';
import { messageOf, OperatorError, type ErrorCode } from '../../errors.ts';
import { connectionFailure, retryAfterMs } from '../objects/connection-errors.ts';
import { hideSecrets } from '../objects/hide-secrets.ts';
import type { Failure } from '../objects/object-store.ts';
import { LateToken } from './azure-tokens.ts';

const KEY_HINT =
  'The store does not take these credentials: check credentials and account in the location, and whether the key was exchanged or the SAS has expired.';
const ROLE_HINT =
  'Give the identity the role Storage Blob Data Contributor on the container, or the SAS the permissions racwdl.';
const FIREWALL_HINT = "The account's firewall does not let this host in: allow its address or network there.";
const ACCOUNT_HINT = 'There is no such storage account: correct account or endpoint in the location.';
const BLOCKS_HINT =
  'Somebody else has written the same blob at the same time, or its blocks lay there for more than a week: start again.';

/** An answer without a code of Azure's, or with a body that is none of Azure's: the library's word. */
const WORDLESS = new Set(['', 'PARSE_ERROR']);
const NO_AZURE = 'What listens there does not answer as Azure does: check endpoint in the location, and proxies.';

/** Codes of what Azure answers, with what an operator can do about it. */
const HINTS: Readonly<Record<string, string>> = {
  ContainerNotFound: 'Make the container, correct its name, or add createBucket=true to the location.',
  ContainerBeingDeleted: 'The container was deleted just now; its name is free again after some 30 s.',
  AuthenticationFailed: KEY_HINT,
  // azurite's.
  AuthorizationFailure: `${KEY_HINT} If they are right: ${FIREWALL_HINT}`,
  InvalidAuthenticationInfo: KEY_HINT,
  NoAuthenticationInformation: 'The store wants credentials: name them by credentials=file:/path in the location.',
  AuthorizationPermissionMismatch: ROLE_HINT,
  InsufficientAccountPermissions: ROLE_HINT,
  UnauthorizedBlobOverwrite: ROLE_HINT,
  AuthorizationServiceMismatch: 'The SAS is not for the blob service.',
  AuthorizationResourceTypeMismatch: 'The SAS has to be for the container and its objects (sr=c, or srt=co).',
  AuthorizationProtocolMismatch: 'The SAS is for https only: correct endpoint in the location.',
  AuthorizationSourceIPMismatch: 'The SAS is not for the address of this host.',
  PublicAccessNotPermitted: 'The store wants credentials: name them by credentials=file:/path in the location.',
  KeyBasedAuthenticationNotPermitted:
    'The account takes neither keys nor SAS: use a service principal (CLIENT_ID, TENANT_ID, CLIENT_SECRET) or a managed identity.',
  AccountIsDisabled: 'The storage account is disabled: see its subscription.',
  ResourceNotFound: ACCOUNT_HINT,
  InvalidUri: ACCOUNT_HINT,
  AccountRequiresHttps: 'The account takes https only: correct endpoint in the location.',
  InvalidBlobType: 'Somebody else has put a page or append blob there: take another prefix.',
  InvalidBlockList: BLOCKS_HINT,
  InvalidBlobOrBlock: 'Another program has begun to upload this very blob: take another prefix.',
  BlockCountExceedsLimit: 'Too many tries have left blocks of this blob; Azure collects them after a week.',
  BlobImmutableDueToPolicy: 'The blob may not be changed or deleted yet: a policy of the container says so.',
  BlobArchived: 'The blob is in the archive tier: move it to hot, cool or cold first.',
  ServerBusy: 'The account gets more requests than it may: fewer nodes at once, or a lower bandwidth.',
};

/** What the library says where Microsoft Entra, or who gives tokens instead, cannot be reached. */
const UNREACHABLE = /endpoints_resolution_error|network_error|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/;

/** Parts of what Microsoft Entra says, and of what the library says where nobody gives tokens. */
const TOKEN_HINTS: readonly [RegExp, string][] = [
  [/AADSTS7000215|AADSTS7000222/, 'CLIENT_SECRET is not one of this application, or has expired.'],
  [
    /AADSTS700016|AADSTS90002|AADSTS900023/,
    'There is no such application in this tenant: check CLIENT_ID and TENANT_ID.',
  ],
  [UNREACHABLE, 'Who gives tokens cannot be reached: check the network and proxies of this host, and AUTHORITY_HOST.'],
  [/non-TLS|non-https/, 'Tokens are sent over https only: correct endpoint in the location, or use a key or SAS.'],
  [/./, 'Name credentials by credentials=file:/path in the location, or give the host a managed identity.'],
];

/** A status of 4xx, but worth another try. */
const PASSING = new Set(['Md5Mismatch', 'ContainerBeingDeleted', 'PendingCopyOperation']);

/** The store's code, also of an answer without a body. */
function codeOf(error: unknown): string {
  if (!(error instanceof RestError)) return '';
  return error.code ?? error.response?.headers.get('x-ms-error-code') ?? '';
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error));
}

/** True for an answer that says that there is nothing under that name, and not that there is no container. */
export function isMissingBlob(error: unknown): boolean {
  return hasCode(error, 'BlobNotFound');
}

/** True for credentials that are not taken: they may have been good once, and new ones may be there. */
export function isUnauthenticated(error: unknown): boolean {
  if (!(error instanceof RestError)) return false;
  return error.statusCode === 401 || hasCode(error, 'AuthenticationFailed', 'AuthorizationFailure');
}

/** True for an answer that says that this may not be done. */
export function isRefused(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 403;
}

/** What an error of Azure's library means, and what to do. `what`: the operation, with the key and the place. */
export function explainAzure(error: unknown, what: string): Failure {
  hideSas(error);
  const connection = connectionFailure(error, what);
  if (connection !== null) return connection;
  // One of 200 could not be read.
  if (error instanceof RestError && error.statusCode !== undefined && error.statusCode >= 300) {
    return explainAnswer(error, error.statusCode, what);
  }
  // Whoever ends a request on purpose does not ask what it means.
  if (error instanceof RestError || (error instanceof Error && error.name === 'AbortError')) {
    const hint = 'The connection broke, or what came is no answer of Azure, each time: check the network and proxies.';
    return passing(new OperatorError('STORAGE_UNAVAILABLE', `${what}: ${messageOf(error)}`, { cause: error, hint }));
  }
  return explainNoToken(error, what) ?? { error, passing: false, retryAfterMs: null };
}

/** Also what is logged as a cause. */
function hideSas(error: unknown): void {
  if (!(error instanceof RestError)) return;
  error.message = hideSecrets(error.message);
  if (error.stack !== undefined) error.stack = hideSecrets(error.stack);
}

/** What the library for tokens says; null for everything else. */
function explainNoToken(error: unknown, what: string): Failure | null {
  const { name = '', statusCode = 0 } = Object(error) as { name?: string; statusCode?: number };
  const text = messageOf(error);
  if (!/Authentication|Credential|LateToken/.test(name) && !/bearer token/i.test(text)) return null;
  const hint = TOKEN_HINTS.find(([pattern]) => pattern.test(text))?.[1] ?? '';
  const failed = (code: ErrorCode) =>
    new OperatorError(code, `${what}: no token for the store: ${text}`, { cause: error, hint });
  const isBusy = statusCode >= 500 || statusCode === 429 || error instanceof LateToken || UNREACHABLE.test(text);
  if (isBusy) return passing(failed('STORAGE_UNAVAILABLE'));
  return { error: failed('STORAGE_FAILED'), passing: false, retryAfterMs: null };
}

function passing(error: OperatorError): Failure {
  return { error, passing: true, retryAfterMs: null };
}

function explainAnswer(error: RestError, status: number, what: string): Failure {
  const code = codeOf(error);
  const hint =
    skewHint(error, status) ??
    HINTS[code] ??
    (status === 403 ? ROLE_HINT : WORDLESS.has(code) && status < 500 ? NO_AZURE : undefined);
  const failed = (kind: ErrorCode): OperatorError =>
    new OperatorError(kind, `${what}: ${wordsOf(error, code, status)}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  if (status === 507) return { error: failed('NO_SPACE'), passing: false, retryAfterMs: null };
  // Another try of the whole upload may succeed, of this request never.
  if (code === 'InvalidBlockList') return { error: failed('STORAGE_UNAVAILABLE'), passing: false, retryAfterMs: null };
  const isServers = status >= 500 && status !== 501;
  const isPassing = isServers || status === 429 || status === 408 || PASSING.has(code) || isAltered(error);
  return {
    error: failed(isPassing ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED'),
    passing: isPassing,
    retryAfterMs: retryAfterMs(error.response?.headers.get('retry-after'), Date.now()),
  };
}

/** Of several lines the first: the others are numbers of the request, and what was signed. */
function wordsOf(error: RestError, code: string, status: number): string {
  const { authenticationErrorDetail: detail = '' } = Object(error.details) as { authenticationErrorDetail?: string };
  const when = /time frame|date header|lifetime/i.test(detail) ? firstLine(detail) : '';
  return [`${code} (${status})`.trim() + ':', firstLine(error.message), when].filter(Boolean).join(' ');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trim();
}

/** What came is not what was sent: azurite's words. */
function isAltered({ statusCode, message }: RestError): boolean {
  return statusCode === 400 && /contentMD5 doesn't match/i.test(message);
}

const MOST_SKEW_MS = 300_000;

/** Signatures are of a time. */
function skewHint(error: RestError, status: number): string | null {
  const date = Date.parse(error.response?.headers.get('date') ?? '');
  if (status !== 403 || Number.isNaN(date) || Math.abs(date - Date.now()) < MOST_SKEW_MS) return null;
  return 'The clock of this host and that of the store differ: set it, by NTP.';
}
