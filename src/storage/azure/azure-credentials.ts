import { AnonymousCredential, StorageSharedKeyCredential } from '@azure/storage-blob';
import { OperatorError } from '../../errors.ts';
import { findCredentials, missingCredentials, type CredentialPlaces, type Credentials } from '../credentials.ts';
import type { AzureLocation } from './azure-location.ts';
import { defaultTokens, principalTokens, type Tokens, type TokenOptions } from './azure-tokens.ts';
import { parseConnectionString, type ConnectionString } from './connection-string.ts';

/** Who asks, and where. */
export interface AzureAccess {
  /** Of the blob service, without a `/` at its end. */
  endpoint: string;
  credential: StorageSharedKeyCredential | AnonymousCredential | Tokens;
  /** Goes with each request, in its query; without a `?` before it. */
  sas: string | null;
}

/** Each way by the names that it may have: ours, and those that Azure's own tools give the variables, without their `AZURE_`. */
const CONNECTION_STRING = ['CONNECTION_STRING', 'STORAGE_CONNECTION_STRING'];
const ACCOUNT_KEY = ['ACCOUNT_KEY', 'STORAGE_KEY', 'STORAGE_ACCOUNT_KEY'];
const SAS = ['SAS', 'STORAGE_SAS_TOKEN'];
const ACCOUNT = ['ACCOUNT', 'STORAGE_ACCOUNT', 'ACCOUNT_NAME', 'STORAGE_ACCOUNT_NAME'];

const EXPECTED = 'CONNECTION_STRING, ACCOUNT_KEY, SAS, or CLIENT_ID, TENANT_ID and CLIENT_SECRET';

/**
 * Looks up the credentials of a location. Without a reference they are Azure's usual variables, or else what the host itself may do (managed
 * identity, workload identity). Throws STORAGE_FAILED that names what is missing or contradicts, without any value.
 */
export async function findAzureAccess(
  location: AzureLocation,
  places: CredentialPlaces,
  tokens: TokenOptions,
): Promise<AzureAccess> {
  const found = (await findCredentials(location.credentials ?? 'env:AZURE_', places))!;
  const named = namedWays(found);
  if (named.length > 1) throw contradiction(`${named.join(' and ')} in ${found.where}`, 'Leave one of them.');
  const connection = connectionOf(found);
  const key = connection?.key ?? valueOf(found, ACCOUNT_KEY);
  const sas = connection?.sas ?? valueOf(found, SAS);
  const isDefault = location.credentials === null && places.given === undefined;
  const asked = key ?? sas ?? (await tokensOf(found, isDefault, tokens));
  const ofSecret = connection?.account ?? valueOf(found, ACCOUNT);
  // A token is good for every account.
  if (typeof asked === 'string') checkSame(location.account, ofSecret, found);
  const account = location.account ?? ofSecret;
  const endpoint = location.endpoint ?? connection?.endpoint ?? endpointOf(account);
  if (isDefault && key === null) checkAzures(location.endpoint);
  if (typeof asked !== 'string') return { endpoint, credential: asked, sas: null };
  if (key === null) return { endpoint, credential: new AnonymousCredential(), sas: asked.replace(/^\?/, '') };
  const owner = account ?? accountIn(endpoint);
  if (owner === null) throw noAccount();
  return { endpoint, credential: new StorageSharedKeyCredential(owner, key), sas: null };
}

/** Hosts of Azure's clouds. */
const AZURES = /\.(?:core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net|cloudapi\.de)|storage\.azure\.net)$/;

/** Whoever can start a job names the endpoint: what the host may do by itself is not sent anywhere. A key stays here, and only signs. */
function checkAzures(endpoint: string | null): void {
  if (endpoint === null || AZURES.test(new URL(endpoint).hostname)) return;
  throw new OperatorError('STORAGE_FAILED', "Expected to be told the credentials for an endpoint that is not Azure's", {
    hint: 'Add credentials=file:/path to the location.',
  });
}

async function tokensOf(found: Credentials, isDefault: boolean, options: TokenOptions): Promise<Tokens> {
  const principal = {
    clientId: found.value('CLIENT_ID') ?? '',
    tenantId: found.value('TENANT_ID') ?? '',
    clientSecret: found.value('CLIENT_SECRET') ?? '',
    authority: found.value('AUTHORITY_HOST'),
  };
  const { clientId, tenantId, clientSecret } = principal;
  if (clientId && tenantId && clientSecret) return principalTokens(principal, options);
  if (!isDefault || clientSecret) throw missingCredentials(EXPECTED, found);
  return defaultTokens(options);
}

function valueOf(found: Credentials, names: readonly string[]): string | null {
  const name = nameOf(found, names);
  return name === undefined ? null : (found.value(name) ?? null);
}

function nameOf(found: Credentials, names: readonly string[]): string | undefined {
  return names.find((each) => (found.value(each) ?? '') !== '');
}

/** One name of each way that is there. */
function namedWays(found: Credentials): string[] {
  const ways = [CONNECTION_STRING, ACCOUNT_KEY, SAS, ['CLIENT_SECRET']];
  return ways.map((names) => nameOf(found, names)).filter((name) => name !== undefined);
}

function connectionOf(found: Credentials): ConnectionString | null {
  const text = valueOf(found, CONNECTION_STRING);
  if (text === null) return null;
  const connection = parseConnectionString(text);
  if (connection !== null) return connection;
  const expected = `AccountName=…;AccountKey=… or BlobEndpoint=…;SharedAccessSignature=… as the connection string`;
  throw new OperatorError('STORAGE_FAILED', `Expected ${expected} in ${found.where}, and got something else`, {
    hint: 'Azure shows it at the storage account, under Access keys.',
  });
}

function checkSame(account: string | null, ofSecret: string | null, { where }: Credentials): void {
  if (account === null || ofSecret === null || account === ofSecret) return;
  const two = `the account ${account} in the location and ${ofSecret} in ${where}`;
  throw contradiction(two, 'Correct account in the location, or name other credentials there.');
}

function contradiction(two: string, hint: string): OperatorError {
  return new OperatorError('STORAGE_FAILED', `Expected one way into the store, found ${two}`, { hint });
}

function endpointOf(account: string | null): string {
  if (account === null) throw noAccount();
  return `https://${account}.blob.core.windows.net`;
}

function noAccount(): OperatorError {
  return new OperatorError('STORAGE_FAILED', 'Expected to be told the storage account, and was not', {
    hint: 'Add account=name to the location.',
  });
}

/** Azure's own have it in the name of the host, others as the first folder. */
function accountIn(endpoint: string): string | null {
  const { hostname, pathname } = new URL(endpoint);
  return /^([a-z0-9]{3,24})\.blob\./.exec(hostname)?.[1] ?? (pathname.split('/')[1] || null);
}
