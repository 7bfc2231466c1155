import test from 'ava';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';

const STORE = 'endpoint=https://store.example:9000&region=us-east-1';

test('a location in S3 is read, and has one spelling', (t) => {
  t.like(parseS3Location('S3://my-backups'), {
    url: 's3://my-backups/',
    bucket: 'my-backups',
    prefix: '',
    endpoint: null,
    region: null,
    pathStyle: false,
    profile: null,
    credentials: null,
    createBucket: false,
  });
  const text = `s3://backups/a/b/?${STORE}&credentials=secret:s3/prod&createBucket=true`;
  const { url, ...place } = parseS3Location(text);
  t.like(place, { bucket: 'backups', prefix: 'a/b/', endpoint: 'https://store.example:9000', pathStyle: true });
  t.deepEqual(parseS3Location(url), { url, ...place });
});

for (const [what, text, expected] of [
  ['a bucket with upper case', 's3://Backups/a', /for s3:\/\/Backups\/a a bucket of 3 to 63/],
  ['a single slash', 's3:/backups/a', /s3:\/\/bucket\/prefix\?option=value/],
  ['a fragment', 's3://backups/a#b', /s3:\/\/bucket\/prefix\?option=value, without a #/],
  ['an endpoint without a region', 's3://backups?endpoint=https://store.example', /a region with an endpoint/],
  ['an endpoint without a scheme', 's3://backups?endpoint=store.example:9000&region=a', /endpoint: a URL such as/],
  ['an endpoint with a query', 's3://backups?region=a&endpoint=https://h/%3Ftoken=hidden', /endpoint: a URL such as/],
  ['an endpoint with a password', 's3://backups?region=a&endpoint=https://me:hidden@h', /endpoint: a URL such as/],
  ['an endpoint with nothing but a password', 's3://backups?region=a&endpoint=https://:hidden@h', /endpoint: a URL/],
  ['an option that is said twice', 's3://backups?region=eu-west-1&region=us-east-1', /region once/],
  ['two ways to find keys', 's3://backups?profile=me&credentials=file:/keys', /either credentials or profile/],
  ['a misspelt option', 's3://backups?regoin=eu-west-1', /only the options endpoint, region, .*and no regoin/],
  ['a key', 's3://backups?secret_key=hidden', /only the options .*and no others/],
  ['a key before the bucket', 's3://me:hidden@backups/a', /a bucket of 3 to 63/],
] as const) {
  test(`${what} is refused with what was expected, and without what may be secret`, (t) => {
    const error = t.throws(() => parseS3Location(text), { code: 'BAD_REQUEST' });
    t.regex(error?.message ?? '', expected);
    t.notRegex(error?.message ?? '', /hidden/);
    t.regex((error as { hint?: string } | undefined)?.hint ?? '', /credentials=file:\/path.*never in the location/);
  });
}

test('what is wrong with a value is said once', (t) => {
  const error = t.throws(() => parseS3Location('s3://backups?proxy=127.0.0.1:3128'), { code: 'BAD_REQUEST' });
  t.is(error?.message.match(/a proxy as http:\/\/host:port/g)?.length, 1);
});
