import test from 'ava';
import { parseGsLocation } from '../../../src/storage/gs/gs-location.ts';

test('a location in Google Cloud Storage is read, and has one spelling', (t) => {
  t.like(parseGsLocation('GS://backups.example_1'), {
    url: 'gs://backups.example_1/',
    bucket: 'backups.example_1',
    prefix: '',
    endpoint: null,
    project: null,
    region: null,
    credentials: null,
    createBucket: false,
    storageClass: null,
    kmsKey: null,
    network: { caFile: null, proxy: null, insecure: false },
  });
  const text =
    'gs://my-bucket/a/b/?region=EU&project=p-1&endpoint=HTTP://127.0.0.1:4443/&credentials=file:/etc/key.json&createBucket=true';
  t.like(parseGsLocation(text), {
    url: 'gs://my-bucket/a/b?createBucket=true&credentials=file%3A%2Fetc%2Fkey.json&endpoint=http%3A%2F%2F127.0.0.1%3A4443&project=p-1&region=EU',
    bucket: 'my-bucket',
    prefix: 'a/b/',
    endpoint: 'http://127.0.0.1:4443',
    project: 'p-1',
    region: 'EU',
    credentials: 'file:/etc/key.json',
    createBucket: true,
    storageClass: null,
    kmsKey: null,
    network: { caFile: null, proxy: null, insecure: false },
  });
  const { url } = parseGsLocation(text);
  t.is(parseGsLocation(url).url, url);
});

for (const [what, text, expected] of [
  ['a bucket with upper case', 'gs://Bucket/a', /a bucket of 3 to 63/],
  ['no bucket', 'gs:///a', /a bucket of 3 to 63/],
  ['a bucket that ends in a hyphen', 'gs://bucket-/a', /a bucket of 3 to 63/],
  ['a prefix that leaves its folder', 'gs://bucket/a/../b', /\.\./],
  ['an unknown option', 'gs://bucket/a?secret=hidden', /only the options endpoint, .*and no secret$/],
  ['an endpoint with a path', 'gs://bucket?endpoint=http://host/path', /endpoint: a URL such as/],
  ['an endpoint with a password', 'gs://bucket?endpoint=http://me:hidden@host', /endpoint: a URL such as/],
  ['credentials in the location', 'gs://bucket?credentials=hidden', /credentials: .*file:\/path/],
  ['a flag that is none', 'gs://bucket?createBucket=yes', /createBucket: true or false/],
] as const) {
  test(`${what} is refused with what was expected, and without what may be secret`, (t) => {
    const error = t.throws(() => parseGsLocation(text), { code: 'BAD_REQUEST' });
    t.regex(error?.message ?? '', expected);
    t.notRegex(error?.message ?? '', /hidden/);
  });
}
