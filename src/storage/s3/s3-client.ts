import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { findCredentials, missingCredentials, type CredentialPlaces } from '../credentials.ts';
import type { S3Location } from './s3-location.ts';

type Credentials = Extract<NonNullable<S3ClientConfig['credentials']>, (...input: never[]) => unknown>;

const CONNECT_MS = 10_000;
const HASTY_CONNECT_MS = 2_000;
/** A connection on which nothing moves for so long is given up. */
const SILENCE_MS = 60_000;
const CONNECTIONS = 32;

/** A client of one location. `patient`: it waits for a store that is busy. Connections are kept, and end when nothing was asked for a minute. */
export function createS3Client(location: S3Location, places: CredentialPlaces, patient: boolean): S3Client {
  const { endpoint, region, pathStyle, profile } = location;
  const agent = { keepAlive: true, maxSockets: CONNECTIONS, timeout: SILENCE_MS };
  const client = new S3Client({
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
    forcePathStyle: pathStyle,
    // Who asks tries again, see objects/retry.ts.
    maxAttempts: 1,
    ...credentialsOf(location, places),
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

function credentialsOf({ credentials }: S3Location, places: CredentialPlaces): { credentials?: Credentials } {
  if (credentials === null && places.given === undefined) return {};
  return {
    credentials: async () => {
      const found = (await findCredentials(credentials, places))!;
      const accessKeyId = found.value('ACCESS_KEY_ID');
      const secretAccessKey = found.value('SECRET_ACCESS_KEY');
      const sessionToken = found.value('SESSION_TOKEN');
      if (!accessKeyId || !secretAccessKey) throw missingCredentials('ACCESS_KEY_ID and SECRET_ACCESS_KEY', found);
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    },
  };
}
