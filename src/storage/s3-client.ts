import { readFile } from 'node:fs/promises';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { OperatorError, wrapError } from '../errors.ts';
import type { S3Location } from './s3-location.ts';

type Credentials = Extract<NonNullable<S3ClientConfig['credentials']>, (...input: never[]) => unknown>;

/** Of the SDK's: each try waits longer than the one before, with jitter, or as long as the store's Retry-After says. */
const ATTEMPTS = 8;
const HASTY_ATTEMPTS = 2;
const CONNECT_MS = 10_000;
const HASTY_CONNECT_MS = 2_000;
/** A connection on which nothing moves for so long is given up. */
const SILENCE_MS = 60_000;
const CONNECTIONS = 32;

/** A client of one location. `env`: of the node's process. `patient`: it waits for a store that is busy. Connections are kept, and end when nothing was asked for a minute. */
export function createS3Client(location: S3Location, env: NodeJS.ProcessEnv, patient: boolean): S3Client {
  const { endpoint, region, pathStyle, profile } = location;
  const agent = { keepAlive: true, maxSockets: CONNECTIONS, timeout: SILENCE_MS };
  const client = new S3Client({
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
    forcePathStyle: pathStyle,
    maxAttempts: patient ? ATTEMPTS : HASTY_ATTEMPTS,
    ...credentialsOf(location, env),
    requestHandler: {
      connectionTimeout: patient ? CONNECT_MS : HASTY_CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    // Checksums are computed by ourselves, in native code, and always sent.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  // A part's CRC-32 is in its headers, which are signed: signing the content as well would read everything twice.
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'UploadPartCommand' || commandName === 'PutObjectCommand') {
          const { headers } = args.request as { headers: Record<string, string> };
          headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        }
        return next(args);
      },
    { step: 'build', priority: 'low', name: 'unsignedPayload' },
  );
  return client;
}

function credentialsOf({ credentials }: S3Location, env: NodeJS.ProcessEnv): { credentials?: Credentials } {
  if (credentials === null) return {};
  const [, kind = '', where = ''] = /^(\w+):(.*)$/.exec(credentials) ?? [];
  if (kind === 'env') return { credentials: () => Promise.resolve(fromVariables(where, env)) };
  // Read afresh by each job: keys change.
  return { credentials: () => fromFile(where) };
}

function fromVariables(prefix: string, env: NodeJS.ProcessEnv) {
  return complete(`the variables ${prefix}ACCESS_KEY_ID and ${prefix}SECRET_ACCESS_KEY of the process`, {
    accessKeyId: env[`${prefix}ACCESS_KEY_ID`],
    secretAccessKey: env[`${prefix}SECRET_ACCESS_KEY`],
    sessionToken: env[`${prefix}SESSION_TOKEN`],
  });
}

async function fromFile(path: string) {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw wrapError(`read the credentials of the store from ${path}`, error, 'STORAGE_FAILED');
  }
  const value = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, 'im').exec(text)?.[1];
  return complete(`aws_access_key_id and aws_secret_access_key in ${path}`, {
    accessKeyId: value('aws_access_key_id'),
    secretAccessKey: value('aws_secret_access_key'),
    sessionToken: value('aws_session_token'),
  });
}

interface Found {
  accessKeyId: string | undefined;
  secretAccessKey: string | undefined;
  sessionToken: string | undefined;
}

function complete(expected: string, { accessKeyId, secretAccessKey, sessionToken }: Found) {
  if (!accessKeyId || !secretAccessKey) {
    throw new OperatorError('STORAGE_FAILED', `Expected the key of the store as ${expected}, and did not find it`, {
      hint: 'The node itself has to have them: nothing secret goes through Mesos.',
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
