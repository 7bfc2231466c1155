import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { findCredentials, missingCredentials, type CredentialPlaces } from '../credentials.ts';
import type { NetworkAgents } from '../network.ts';
import { s3Handler } from './s3-handler.ts';
import type { S3Location } from './s3-location.ts';

type Credentials = Extract<NonNullable<S3ClientConfig['credentials']>, (...input: never[]) => unknown>;

const CONNECT_MS = 10_000;
const HASTY_CONNECT_MS = 2_000;
/** Credentials that did not come for so long do not come. */
const LONGEST_CHAIN_MS = 20_000;
/** An instance's metadata service answers at once, on a busy host a little later (ms); where there is none nobody ever answers. */
const METADATA_MS = 2_000;

export interface S3Connection {
  places: CredentialPlaces;
  agents: NetworkAgents;
  /** It waits for a store that is busy. */
  patient: boolean;
}

/** A client of one location. */
export function createS3Client(location: S3Location, { places, agents, patient }: S3Connection): S3Client {
  const { endpoint, pathStyle, profile } = location;
  // Of the two variables each of Amazon's own tools knows one or both; after them come the profile and the instance.
  const region = location.region ?? places.env['AWS_REGION'] ?? places.env['AWS_DEFAULT_REGION'];
  const connectionTimeout = patient ? CONNECT_MS : HASTY_CONNECT_MS;
  const client = new S3Client({
    // Variables of Amazon's that mean another store, or a kind of endpoint that this one has not, are for Amazon's alone.
    ...(endpoint === null ? {} : { endpoint, useFipsEndpoint: false, useDualstackEndpoint: false }),
    ...(region ? { region } : {}),
    ...(profile === null ? {} : { profile }),
    forcePathStyle: pathStyle,
    // Who asks tries again, see objects/retry.ts.
    maxAttempts: 1,
    retryMode: 'standard',
    ...credentialsOf(location, places),
    credentialDefaultProvider: (config: ChainConfig) =>
      boundedChain(config, {
        connectionTimeout,
        socketTimeout: LONGEST_CHAIN_MS,
        httpAgent: agents.http,
        httpsAgent: agents.verified,
      }),
    requestHandler: s3Handler(agents.client, connectionTimeout),
    // Parts are sent at once, and a refusal is read while they are.
    expectContinueHeader: false,
    // Checksums are computed by ourselves, in native code, and always sent.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        if (location.requesterPays) headers['x-amz-request-payer'] = 'requester';
        // A part's CRC-32 is in its headers, which are signed: signing the content as well would read everything twice.
        if (commandName === 'UploadPartCommand' || commandName === 'PutObjectCommand') {
          headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        }
        return next(args);
      },
    { step: 'build', priority: 'low', name: 'ownHeaders' },
  );
  return client;
}

type Chain = ReturnType<typeof defaultProvider>;
type ChainConfig = NonNullable<Parameters<typeof defaultProvider>[0]>;
type Handler = Exclude<S3ClientConfig['requestHandler'], undefined>;

/** Amazon's default chain, whose own requests are sent by that handler. One that hangs is given up. */
function boundedChain(config: ChainConfig, requestHandler: Handler): Chain {
  const parentClientConfig = { ...config.parentClientConfig, requestHandler };
  const chain = defaultProvider({ timeout: METADATA_MS, ...config, parentClientConfig });
  return async (options) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`none came within ${LONGEST_CHAIN_MS / 1000} s`);
        reject(Object.assign(error, { name: 'CredentialsProviderError' }));
      }, LONGEST_CHAIN_MS).unref();
    });
    try {
      return await Promise.race([chain(options), late]);
    } finally {
      // Each request asks the chain, and would else be held for so long.
      clearTimeout(timer);
    }
  };
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
