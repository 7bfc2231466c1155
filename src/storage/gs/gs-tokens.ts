import { gcpMetadata, GoogleAuth, JWT, type AuthClient, type JWTInput, type JWTOptions } from 'google-auth-library';
import { z } from 'zod';
import { messageOf, OperatorError } from '../../errors.ts';
import { findCredentials, missingCredentials, type CredentialPlaces, type Credentials } from '../credentials.ts';
import { networkAgents, type NetworkOptions } from '../network.ts';
import { NO_TOKEN_HINT, tokenError } from './gs-errors.ts';
import type { GsLocation } from './gs-location.ts';

/** Reads and writes objects and makes buckets; which of them, its roles say. */
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
/** Of the library's requests for a token, which it would try again by itself. */
const REQUEST = { timeout: 10_000, retryConfig: { retry: 0, noResponseRetries: 0 } };
/** A token that did not come for so long (ms) does not come: the metadata server, where there is none, is looked for on several ways. */
const LONGEST_MS = 20_000;

/** Kinds of credentials. What comes with a request may not make the node read its files, or ask others, as the others do. */
const GIVEN_TYPES = ['service_account', 'authorized_user'];
const TYPES = [...GIVEN_TYPES, 'external_account', 'external_account_authorized_user', 'impersonated_service_account'];

/** What credentials have to hold; the rest is for Google's library. */
const credentialsFile = (types: string[]) =>
  z.looseObject({
    type: z.enum(types, { error: `type: ${types.join(' or ')}` }),
    project_id: z.string().optional(),
  });
const serviceAccount = z.object({
  client_email: z.string({ error: 'client_email' }).min(1),
  private_key: z.string({ error: 'private_key' }).startsWith('-----BEGIN', 'private_key in PEM'),
  token_uri: z.url({ protocol: /^https?$/, error: 'token_uri' }).default('https://oauth2.googleapis.com/token'),
});

/** Who is let in: with tokens of an account, or as anybody. */
export interface GsAccess {
  /** Null: requests are sent without one. */
  token(): Promise<string | null>;
  /** The project of the credentials; null where they tell none. */
  project(): Promise<string | null>;
}

/**
 * Looks up the credentials of a location. Without a reference they are Google's default ones (GOOGLE_APPLICATION_CREDENTIALS, those of
 * gcloud, the metadata server); but no token of Google's goes to an endpoint that is not Google's unless the location says so. Throws STORAGE_FAILED.
 */
export async function findAccess(location: GsLocation, places: CredentialPlaces): Promise<GsAccess> {
  const { GOOGLE_APPLICATION_CREDENTIALS: path } = places.env;
  const isGoogles = location.endpoint === null || /\.googleapis\.com(?::\d+)?$/.test(location.endpoint);
  const byDefault = isGoogles && path ? `file:${path}` : null;
  const found = await findCredentials(location.credentials ?? byDefault, places);
  if (found === null) return isGoogles ? defaultAccess() : ANYBODY;
  const credentials = parse(found, places.given === undefined ? TYPES : GIVEN_TYPES);
  const requests = await tokenRequests(location.network, places);
  const client = await tellingLess(() => clientOf(credentials, found, requests), found.where);
  return {
    token: () => tokenOf(client, found.where),
    project: () => Promise.resolve(credentials.project_id ?? null),
  };
}

const ANYBODY: GsAccess = { token: () => Promise.resolve(null), project: () => Promise.resolve(null) };

async function defaultAccess(): Promise<GsAccess> {
  const where = "Google's default credentials";
  // The library looks for the metadata server once in a process, and would never find one that did not answer then.
  gcpMetadata.resetIsAvailableCache();
  const auth = new GoogleAuth({ scopes: SCOPE });
  const client = await tellingLess(() => auth.getClient(), where);
  return { token: () => tokenOf(client, where), project: () => tellingLess(() => auth.getProjectId(), where) };
}

async function tokenOf(client: AuthClient, where: string): Promise<string> {
  const { token } = await tellingLess(() => client.getAccessToken(), where);
  if (!token)
    throw new OperatorError('STORAGE_FAILED', `get a token for the store by ${where}: there is none in the answer`);
  return token;
}

/** By the same ways as the store, but that a key is never shown to just anybody. */
async function tokenRequests(network: NetworkOptions, { env }: CredentialPlaces): Promise<TokenRequests> {
  const { http, https } = await networkAgents({ ...network, insecure: false }, env);
  return { ...REQUEST, agent: ({ protocol }: URL) => (protocol === 'https:' ? https : http) };
}

type TokenRequests = NonNullable<JWTOptions['transporterOptions']>;

async function clientOf(
  credentials: CredentialsFile,
  found: Credentials,
  transporterOptions: TokenRequests,
): Promise<AuthClient> {
  if (credentials.type !== 'service_account') {
    const clientOptions = { transporterOptions };
    return new GoogleAuth({ scopes: SCOPE, credentials: credentials as JWTInput, clientOptions }).getClient();
  }
  const { client_email: email, private_key: key, token_uri: url } = check(serviceAccount, credentials, found);
  return new JWT({
    email,
    key,
    scopes: SCOPE,
    // The library knows but one token endpoint; a file may name another, as that of a private network.
    additionalClaims: { aud: url },
    transporterOptions: { ...transporterOptions, adapter: (options, send) => send({ ...options, url: new URL(url) }) },
  });
}

type CredentialsFile = z.output<ReturnType<typeof credentialsFile>>;

function parse(found: Credentials, types: string[]): CredentialsFile {
  if (found.text === null) throw missingCredentials("a service account's JSON (CREDENTIALS)", found);
  let parsed: unknown;
  try {
    parsed = JSON.parse(found.text);
  } catch {
    // The parser's own message repeats what it has read.
    throw unfit('JSON', found);
  }
  return check(credentialsFile(types), parsed, found);
}

function check<T extends z.ZodType>(schema: T, value: unknown, found: Credentials): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unfit(result.error.issues.map(({ message }) => message).join(', '), found);
}

function unfit(expected: string, { where }: Credentials): OperatorError {
  return new OperatorError(
    'STORAGE_FAILED',
    `Expected in ${where} ${expected}, as in the key file of a service account`,
    {
      hint: 'Google Cloud gives such a file: IAM, Service Accounts, Keys, Add key, JSON.',
    },
  );
}

/** What Google's library throws carries the request, and so the key's signature or the refresh token: only its words are passed on. */
async function tellingLess<T>(act: () => Promise<T>, where: string): Promise<T> {
  const what = `get a token for the store by ${where}`;
  try {
    return await within(act());
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const { response, code, name, cause } = error as { response?: { status: number; data?: unknown } } & SystemError;
    if (response !== undefined) throw tokenError(response.status, textOf(response.data), what);
    const said = `${what}: ${messageOf(error)}`;
    const system = name === 'TimeoutError' ? 'ETIMEDOUT' : (code ?? (cause as SystemError | undefined)?.code);
    if (system !== undefined && !system.startsWith('ERR_OSSL')) throw Object.assign(new Error(said), { code: system });
    throw new OperatorError('STORAGE_FAILED', said, { hint: NO_TOKEN_HINT });
  }
}

type SystemError = Error & { code?: string };

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data ?? '');
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`none came within ${LONGEST_MS / 1000} s`)), LONGEST_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
