import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { CREDENTIALS_EXPECTED, CREDENTIALS_REFERENCE } from '../../model/credentials.ts';
import { checkKey } from '../layout.ts';
import { networkOptions, networkShape, type NetworkOptions } from '../network.ts';
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

const flag = z.enum(['true', 'false'], { error: 'true or false' }).transform((value) => value === 'true');
const options = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/, error: 'a URL such as https://storage.example:9000' }).optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/i, 'a region such as eu-central-1')
    .optional(),
  pathStyle: flag.optional(),
  profile: z.string().min(1).optional(),
  credentials: z.string().regex(CREDENTIALS_REFERENCE, CREDENTIALS_EXPECTED).optional(),
  createBucket: flag.optional(),
  requesterPays: flag.optional(),
  ...networkShape,
  ...protectionShape,
});

/** Amazon's rules: 3–63 of lower-case letters, digits, dots and hyphens. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Reads `s3://bucket/prefix?endpoint=…&region=…`. Throws BAD_REQUEST that says what was expected. */
export function parseS3Location(text: string): S3Location {
  const [, bucket = '', path = '', query = ''] = /^s3:\/\/([^/?#]*)\/?([^?#]*)(?:\?([^#]*))?$/i.exec(text) ?? [];
  if (!BUCKET.test(bucket)) throw wrong(text, 'a bucket of 3 to 63 lower-case letters, digits, dots and hyphens');
  const folder = path.replace(/\/+$/, '');
  if (folder !== '') checkKey(folder);
  const parsed = options.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) =>
      [at.join('.'), message].filter(Boolean).join(': '),
    );
    throw wrong(text, problems.join('; '));
  }
  const { endpoint, region, pathStyle, profile, credentials, createBucket, requesterPays } = parsed.data;
  if (endpoint !== undefined && new URL(endpoint).username !== '') throw wrong(text, 'an endpoint without a password');
  if (endpoint !== undefined && region === undefined) {
    throw wrong(text, 'a region with an endpoint: add &region=…, us-east-1 for most stores that are not Amazon');
  }
  const problem = protectionProblem(parsed.data);
  if (problem !== null) throw wrong(text, problem);
  return {
    url: `s3://${bucket}/${folder}${queryOf(parsed.data)}`,
    bucket,
    prefix: folder === '' ? '' : `${folder}/`,
    endpoint: endpoint ?? null,
    region: region ?? null,
    pathStyle: pathStyle ?? endpoint !== undefined,
    profile: profile ?? null,
    credentials: credentials ?? null,
    createBucket: createBucket ?? false,
    requesterPays: requesterPays ?? false,
    network: networkOptions(parsed.data),
    protection: parsed.data,
  };
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
    hint: 'A location in S3 is s3://bucket/prefix?endpoint=https://host:port&region=us-east-1&pathStyle=true, the query only for stores that are not Amazon.',
  });
}
