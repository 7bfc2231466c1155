import { z } from 'zod';
import { CREDENTIALS_EXPECTED, CREDENTIALS_REFERENCE } from '../../model/credentials.ts';
import { networkOptions, networkShape, type NetworkOptions } from '../network.ts';
import { parsePlace, trueOrFalse, wrongPlace } from '../objects/place.ts';
import { protectionProblem, protectionShape, type S3Protection } from './s3-protection.ts';

/** A place in a bucket, with the options that belong to the place. Secrets never do. */
export interface S3Location {
  /** As an operator writes it, one spelling for each place. */
  url: string;
  bucket: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
  /** Null: AWS' own of the region. */
  endpoint: string | null;
  /** Null: as AWS' own tools find it, from AWS_REGION or the profile. */
  region: string | null;
  pathStyle: boolean;
  /** A profile of the node's AWS configuration. */
  profile: string | null;
  /** See credentials.ts: ACCESS_KEY_ID, SECRET_ACCESS_KEY and SESSION_TOKEN, or an AWS credentials file. Null: AWS' default chain. */
  credentials: string | null;
  createBucket: boolean;
  /** We pay for what the owner of the bucket does not. */
  requesterPays: boolean;
  network: NetworkOptions;
  protection: S3Protection;
}

const ENDPOINT_EXPECTED = 'a URL such as https://storage.example:9000, without a password or a query';

const options = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^?#@]+$/i, ENDPOINT_EXPECTED)
    .refine((value) => URL.canParse(value), ENDPOINT_EXPECTED)
    .optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/i, 'a region such as eu-central-1')
    .optional(),
  pathStyle: trueOrFalse.optional(),
  profile: z.string().min(1).optional(),
  credentials: z.string().regex(CREDENTIALS_REFERENCE, CREDENTIALS_EXPECTED).optional(),
  createBucket: trueOrFalse.optional(),
  requesterPays: trueOrFalse.optional(),
  ...networkShape,
  ...protectionShape,
});

const KIND = {
  scheme: 's3',
  /** Amazon's rules: 3–63 of lower-case letters, digits, dots and hyphens. */
  bucket: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  bucketExpected: 'a bucket of 3 to 63 lower-case letters, digits, dots and hyphens',
  options,
  hint: "A location in S3 is s3://bucket/prefix?region=eu-west-1&credentials=file:/path, with endpoint=https://host:port for a store that is not Amazon's; keys stand in that file, never in the location.",
};

/** Reads `s3://bucket/prefix?endpoint=…&region=…`. Throws BAD_REQUEST that says what was expected. */
export function parseS3Location(text: string): S3Location {
  const { url, bucket, prefix, options: given } = parsePlace(text, KIND);
  const { endpoint, region } = given;
  if (endpoint !== undefined && region === undefined) {
    const expected = 'a region with an endpoint: add &region=…, us-east-1 for most stores that are not Amazon';
    throw wrongPlace(text, expected, KIND);
  }
  if (given.profile !== undefined && given.credentials !== undefined) {
    throw wrongPlace(text, 'either credentials or profile', KIND);
  }
  const problem = protectionProblem(given);
  if (problem !== null) throw wrongPlace(text, problem, KIND);
  return {
    url,
    bucket,
    prefix,
    endpoint: endpoint ?? null,
    region: region ?? null,
    pathStyle: given.pathStyle ?? endpoint !== undefined,
    profile: given.profile ?? null,
    credentials: given.credentials ?? null,
    createBucket: given.createBucket ?? false,
    requesterPays: given.requesterPays ?? false,
    network: networkOptions(given),
    protection: given,
  };
}
