import { z } from 'zod';
import { CREDENTIALS_EXPECTED, CREDENTIALS_REFERENCE } from '../../model/credentials.ts';
import { networkOptions, networkShape, type NetworkOptions } from '../network.ts';
import { parsePlace, trueOrFalse } from '../objects/place.ts';

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
  createBucket: trueOrFalse.optional(),
  accessTier: z.enum(ACCESS_TIERS, { error: `one of ${ACCESS_TIERS.join(', ')}` }).optional(),
  encryptionScope: z
    .string()
    .regex(/^[a-z0-9-]{3,63}$/i, 'a scope of 3 to 63 letters, digits and hyphens')
    .optional(),
  ...networkShape,
});

const KIND = {
  scheme: 'azure',
  /** Azure's rules: 3–63 of lower-case letters, digits and single hyphens in between. */
  bucket: /^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/,
  bucketExpected: 'a container of 3 to 63 lower-case letters, digits and single hyphens',
  options,
  hint: 'A location in Azure is azure://container/prefix?account=name&credentials=file:/path; keys, connection strings and SAS stand in that file, never in the location.',
};

/** Reads `azure://container/prefix?account=…&endpoint=…`. Throws BAD_REQUEST that says what was expected. */
export function parseAzureLocation(text: string): AzureLocation {
  const { url, bucket: container, prefix, options: given } = parsePlace(text, KIND);
  return {
    url,
    container,
    prefix,
    account: given.account ?? null,
    endpoint: given.endpoint ?? null,
    credentials: given.credentials ?? null,
    createBucket: given.createBucket ?? false,
    accessTier: given.accessTier ?? null,
    encryptionScope: given.encryptionScope ?? null,
    network: networkOptions(given),
  };
}
