import { z } from 'zod';
import { CREDENTIALS_EXPECTED, CREDENTIALS_REFERENCE } from '../../model/credentials.ts';
import { networkOptions, networkShape, type NetworkOptions } from '../network.ts';
import { parsePlace, trueOrFalse } from '../objects/place.ts';

/** A place in a bucket of Google Cloud Storage, with the options that belong to the place. Secrets never do. */
export interface GsLocation {
  /** As an operator writes it, one spelling for each place. */
  url: string;
  bucket: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
  /** Scheme, host and port. Null: Google's own. */
  endpoint: string | null;
  /** Whose bucket is made. Null: that of the credentials. */
  project: string | null;
  /** Where a bucket is made, for example EU or europe-west3. Null: as Google chooses. */
  region: string | null;
  /** See credentials.ts: the JSON of a service account, or in CREDENTIALS. Null: Google's default credentials. */
  credentials: string | null;
  createBucket: boolean;
  /** Of the files of backups. Null: as the bucket says. */
  storageClass: string | null;
  /** Of Cloud KMS, for all objects. Null: as the bucket says. */
  kmsKey: string | null;
  network: NetworkOptions;
}

/** All of them can be read at once. */
const STORAGE_CLASSES = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'] as const;

const options = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^/?#@]+\/?$/i, 'a URL such as http://127.0.0.1:4443, without a path or a password')
    .refine((value) => URL.canParse(value), 'a URL such as http://127.0.0.1:4443')
    .transform((value) => new URL(value).origin)
    .optional(),
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.:-]{0,62}$/, 'a project id such as backups-1234')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/i, 'a region such as EU or europe-west3')
    .optional(),
  credentials: z.string().regex(CREDENTIALS_REFERENCE, CREDENTIALS_EXPECTED).optional(),
  createBucket: trueOrFalse.optional(),
  storageClass: z.enum(STORAGE_CLASSES, { error: `one of ${STORAGE_CLASSES.join(', ')}` }).optional(),
  kmsKey: z
    .string()
    .regex(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'a key as projects/…/locations/…/keyRings/…/cryptoKeys/…',
    )
    .optional(),
  ...networkShape,
});

const KIND = {
  scheme: 'gs',
  /** Google's rules: 3–63 of lower-case letters, digits, hyphens and underscores, or up to 222 with dots in between. */
  bucket: /^(?=.{3,222}$)[a-z0-9][a-z0-9_-]{0,62}(?:\.[a-z0-9_-]{1,63})*(?<![._-])$/,
  bucketExpected: 'a bucket of 3 to 63 lower-case letters, digits, hyphens and underscores',
  options,
  hint: 'A location in Google Cloud Storage is gs://bucket/prefix?credentials=file:/path/to/service-account.json; the key stands in that file, never in the location.',
};

/** Reads `gs://bucket/prefix?endpoint=…&credentials=…`. Throws BAD_REQUEST that says what was expected. */
export function parseGsLocation(text: string): GsLocation {
  const { url, bucket, prefix, options: given } = parsePlace(text, KIND);
  return {
    url,
    bucket,
    prefix,
    endpoint: given.endpoint ?? null,
    project: given.project ?? null,
    region: given.region ?? null,
    credentials: given.credentials ?? null,
    createBucket: given.createBucket ?? false,
    storageClass: given.storageClass ?? null,
    kmsKey: given.kmsKey ?? null,
    network: networkOptions(given),
  };
}
