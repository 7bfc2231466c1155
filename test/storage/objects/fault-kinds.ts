import type { Match, Reply, Seen } from '../../helpers/fault-proxy.ts';
import { AZURITE, AZURITE_ACCOUNT, AZURITE_ENV, startAzurite } from '../azurite.ts';
import { FAKE_GCS, startFakeGcs } from '../fake-gcs.ts';
import { KEY, startVersitygw, VERSITYGW } from '../versitygw.ts';

/** Single requests of a store, as they are told from one another at a proxy. */
export interface Asks {
  put: Match;
  begin: Match;
  part: Match;
  complete: Match;
  head: Match;
  read: Match;
  list: Match;
  delete: Match;
  copy: Match;
}

/** What a store answers when it is in trouble. */
export interface Says {
  busy: (headers?: Record<string, string>) => Reply;
  tooMany: Reply;
  broken: Reply;
  denied: Reply;
  full: Reply;
  expired: Reply;
}

/** A kind of store with its real server. */
export interface FaultKind {
  name: string;
  isInstalled: boolean;
  start(directory: string): Promise<{ endpoint: string; stop(): Promise<void> }>;
  /** A location in a bucket or container of that name, which is made. */
  url(endpoint: string, bucket: string): string;
  /** Where its credentials are. */
  env: NodeJS.ProcessEnv;
  asks: Asks;
  says: Says;
  /** Another process finds the parts that were sent, whatever its node keeps. */
  keepsParts: boolean;
  /**
   * Its server refuses a part that was altered and knows one that came twice. Otherwise that is seen when the object is made: it is deleted, and all is sent
   * again by the next try.
   */
  mendsParts: boolean;
  /** Keys that a page of a listing has at most. */
  pageKeys: number;
}

const s3Error = (status: number, code: string, message: string, headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

const S3: FaultKind = {
  name: 'S3',
  isInstalled: VERSITYGW !== null,
  start: (directory) => startVersitygw(directory),
  url: (endpoint, bucket) =>
    `s3://${bucket}/a/prefix?endpoint=${endpoint}&region=us-east-1&credentials=env:S3_&createBucket=true`,
  env: { S3_ACCESS_KEY_ID: KEY.id, S3_SECRET_ACCESS_KEY: KEY.secret },
  asks: {
    put: ({ method, query, headers }) =>
      method === 'PUT' && !query.has('partNumber') && headers['x-amz-copy-source'] === undefined,
    begin: ({ method, query }) => method === 'POST' && query.has('uploads'),
    part: ({ method, query }) => method === 'PUT' && query.has('partNumber'),
    complete: ({ method, query }) => method === 'POST' && query.has('uploadId'),
    head: ({ method }) => method === 'HEAD',
    read: ({ method, query }) =>
      method === 'GET' && !['list-type', 'uploads', 'uploadId'].some((name) => query.has(name)),
    list: ({ method, query }) => method === 'GET' && query.has('list-type'),
    delete: ({ method, query }) =>
      (method === 'DELETE' && !query.has('uploadId')) || (method === 'POST' && query.has('delete')),
    copy: ({ method, headers }) => method === 'PUT' && headers['x-amz-copy-source'] !== undefined,
  },
  says: {
    busy: (headers) => s3Error(503, 'SlowDown', 'Please reduce your request rate.', headers),
    tooMany: s3Error(429, 'TooManyRequests', 'Too many requests.'),
    broken: s3Error(500, 'InternalError', 'We encountered an internal error.'),
    denied: s3Error(403, 'AccessDenied', 'Nobody may do that.'),
    full: s3Error(403, 'QuotaExceeded', 'The quota of the bucket is used up.'),
    expired: s3Error(400, 'ExpiredToken', 'The provided token has expired.'),
  },
  keepsParts: true,
  mendsParts: true,
  pageKeys: 1000,
};

const gsError = (status: number, reason: string, message: string, headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ error: { code: status, message, errors: [{ reason, message }] } }),
});

const isUpload = ({ path, query }: Seen, type: string): boolean =>
  path.startsWith('/upload/') && query.get('uploadType') === type;
const isObject = ({ path }: Seen): boolean =>
  /^\/storage\/v1\/b\/[^/]+\/o\/./.test(path) && !path.includes('/rewriteTo/');

const GCS: FaultKind = {
  name: 'GCS',
  isInstalled: FAKE_GCS !== null,
  start: (directory) => startFakeGcs(directory),
  url: (endpoint, bucket) => `gs://${bucket}/a/prefix?endpoint=${endpoint}&createBucket=true`,
  env: {},
  asks: {
    put: (seen) => seen.method === 'POST' && isUpload(seen, 'multipart'),
    begin: (seen) => seen.method === 'POST' && isUpload(seen, 'resumable'),
    part: ({ method, headers }) => method === 'PUT' && /\d\/\*$/.test(String(headers['content-range'])),
    complete: ({ method, headers }) => method === 'PUT' && /\/\d+$/.test(String(headers['content-range'])),
    head: (seen) => seen.method === 'GET' && isObject(seen) && !seen.query.has('alt'),
    read: (seen) => seen.method === 'GET' && isObject(seen) && seen.query.get('alt') === 'media',
    list: ({ method, path }) => method === 'GET' && /^\/storage\/v1\/b\/[^/]+\/o$/.test(path),
    delete: (seen) => seen.method === 'DELETE' && isObject(seen),
    copy: ({ method, path }) => method === 'POST' && path.includes('/rewriteTo/'),
  },
  says: {
    busy: (headers) => gsError(503, 'backendError', 'We are busy.', headers),
    tooMany: gsError(429, 'rateLimitExceeded', 'Too many requests.'),
    broken: gsError(500, 'internalError', 'We encountered an internal error.'),
    denied: gsError(403, 'forbidden', 'Nobody may do that.'),
    full: gsError(403, 'quotaExceeded', 'The quota of the bucket is used up.'),
    expired: gsError(401, 'authError', 'Invalid Credentials'),
  },
  keepsParts: false,
  // fake-gcs-server's: Google takes no notice of bytes that it has.
  mendsParts: false,
  pageKeys: 1000,
};

const azureError = (status: number, code: string, message: string, headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

const isBlob = ({ path, query }: Seen): boolean => path.split('/').length > 3 && !query.has('comp');

const AZURE: FaultKind = {
  name: 'Azure',
  isInstalled: AZURITE !== null,
  async start(directory) {
    const server = await startAzurite(directory);
    return { endpoint: new URL(server.endpoint).origin, stop: () => server.stop() };
  },
  url: (endpoint, bucket) =>
    `azure://${bucket}/a/prefix?endpoint=${endpoint}/${AZURITE_ACCOUNT.name}&credentials=env:AZ_&createBucket=true`,
  env: AZURITE_ENV,
  asks: {
    put: (seen) => seen.method === 'PUT' && isBlob(seen) && seen.headers['x-ms-copy-source'] === undefined,
    begin: ({ method, query }) => method === 'GET' && query.get('comp') === 'blocklist',
    part: ({ method, query }) => method === 'PUT' && query.get('comp') === 'block',
    complete: ({ method, query }) => method === 'PUT' && query.get('comp') === 'blocklist',
    head: (seen) => seen.method === 'HEAD' && isBlob(seen),
    read: (seen) => seen.method === 'GET' && isBlob(seen),
    list: ({ method, query }) => method === 'GET' && query.get('comp') === 'list',
    delete: (seen) => seen.method === 'DELETE' && isBlob(seen),
    copy: ({ method, headers }) => method === 'PUT' && headers['x-ms-copy-source'] !== undefined,
  },
  says: {
    busy: (headers) => azureError(503, 'ServerBusy', 'The server is busy.', headers),
    tooMany: azureError(429, 'TooManyRequests', 'Too many requests.'),
    broken: azureError(500, 'InternalError', 'The server encountered an internal error.'),
    denied: azureError(403, 'AuthorizationPermissionMismatch', 'Nobody may do that.'),
    full: azureError(507, 'InsufficientStorage', 'The quota of the account is used up.'),
    expired: azureError(401, 'InvalidAuthenticationInfo', 'Lifetime validation failed. The token is expired.'),
  },
  keepsParts: true,
  mendsParts: true,
  pageKeys: 1000,
};

export const FAULT_KINDS: readonly FaultKind[] = [S3, AZURE, GCS];
