import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { CREDENTIALS_EXPECTED, CREDENTIALS_REFERENCE } from '../../model/credentials.ts';
import { checkKey } from '../layout.ts';
import { networkOptions, networkShape, type NetworkOptions } from '../network.ts';

/** A place in a container of Azure Blob Storage, with the options that belong to the place. Secrets never do. */
export interface AzureLocation {
  /** As an operator writes it, one spelling for each place. */
  url: string;
  container: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
  /** Null: as the credentials or the endpoint say. */
  account: string | null;
  /** Of the blob service, without a `/` at its end. Null: as the credentials say, or Azure's own of the account. */
  endpoint: string | null;
  /** See credentials.ts: CONNECTION_STRING, ACCOUNT_KEY, SAS, or CLIENT_ID, TENANT_ID and CLIENT_SECRET. Null: Azure's usual variables and chain. */
  credentials: string | null;
  createBucket: boolean;
  /** Of the files of backups. Null: as the account says. */
  accessTier: AccessTier | null;
  /** By whose key everything is encrypted. Null: as the container says. */
  encryptionScope: string | null;
  network: NetworkOptions;
}

/** Those whose blobs can be read at once. */
const ACCESS_TIERS = ['Hot', 'Cool', 'Cold'] as const;
export type AccessTier = (typeof ACCESS_TIERS)[number];

const ENDPOINT_EXPECTED = 'a URL such as https://account.blob.core.windows.net, without SAS or password';

const flag = z.enum(['true', 'false'], { error: 'true or false' }).transform((value) => value === 'true');
const options = z.strictObject({
  account: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, 'a storage account of 3 to 24 lower-case letters and digits')
    .optional(),
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^?#@]+$/i, ENDPOINT_EXPECTED)
    .refine((value) => URL.canParse(value), ENDPOINT_EXPECTED)
    .transform((value) => new URL(value).href.replace(/\/+$/, ''))
    .optional(),
  credentials: z.string().regex(CREDENTIALS_REFERENCE, CREDENTIALS_EXPECTED).optional(),
  createBucket: flag.optional(),
  accessTier: z.enum(ACCESS_TIERS, { error: `one of ${ACCESS_TIERS.join(', ')}` }).optional(),
  encryptionScope: z
    .string()
    .regex(/^[a-z0-9-]{3,63}$/i, 'a scope of 3 to 63 letters, digits and hyphens')
    .optional(),
  ...networkShape,
});

/** Azure's rules: 3–63 of lower-case letters, digits and single hyphens in between. */
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** Reads `azure://container/prefix?account=…&endpoint=…`. Throws BAD_REQUEST that says what was expected. */
export function parseAzureLocation(text: string): AzureLocation {
  const [, container = '', path = '', query = ''] = /^azure:\/\/([^/?#]*)\/?([^?#]*)(?:\?([^#]*))?$/i.exec(text) ?? [];
  if (!CONTAINER.test(container)) {
    throw wrong(text, 'a container of 3 to 63 lower-case letters, digits and single hyphens');
  }
  const folder = path.replace(/\/+$/, '');
  if (folder !== '') checkKey(folder);
  const parsed = options.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (!parsed.success) throw wrong(text, parsed.error.issues.map(problemOf).join('; '));
  const { account, endpoint, credentials, createBucket, accessTier, encryptionScope } = parsed.data;
  return {
    url: `azure://${container}/${folder}${queryOf(parsed.data)}`,
    container,
    prefix: folder === '' ? '' : `${folder}/`,
    account: account ?? null,
    endpoint: endpoint ?? null,
    credentials: credentials ?? null,
    createBucket: createBucket ?? false,
    accessTier: accessTier ?? null,
    encryptionScope: encryptionScope ?? null,
    network: networkOptions(parsed.data),
  };
}

/** Of options that are none only names are told that are no key by mistake. */
function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
  const names = issue.keys.filter((name) => /^[a-z]{1,24}$/i.test(name));
  return `only the options ${Object.keys(options.shape).join(', ')}, and no ${names.join(', ') || 'others'}`;
}

function queryOf(given: z.output<typeof options>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query.toString()}`;
}

/** What was given is told without its query and without what stands before an @: there may be a secret in them. */
function wrong(text: string, expected: string): OperatorError {
  const told = text.replace(/\?.*$/s, '').replace(/\/\/.*@/s, '//');
  return new OperatorError('BAD_REQUEST', `Expected for ${told} ${expected}`, {
    hint: 'A location in Azure is azure://container/prefix?account=name&credentials=file:/path; keys, connection strings and SAS stand in that file, never in the location.',
  });
}
