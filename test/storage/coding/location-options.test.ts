import test from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { splitLocation } from '../../../src/storage/coding/location-options.ts';

const NONE = { compression: null, encryption: null };

test('compression and encryption are taken off a location of any kind, the rest is the place', (t) => {
  const zstd = { compression: 'zstd', encryption: null } as const;
  const both = { compression: 'zstd', encryption: 'file:/etc/keys' } as const;
  t.like(splitLocation('file:///backup?compression=zstd'), { place: 'file:///backup', options: zstd });
  t.like(splitLocation('/backup?compression=zstd&encryption=file:/etc/keys'), { place: '/backup', options: both });
  t.like(splitLocation('backup?encryption=file%3A%2Fetc%2Fkeys&compression=zstd'), { place: 'backup', options: both });
  t.deepEqual(splitLocation('s3://b/p?region=r&compression=zstd&endpoint=http://h:1&encryption=file:/etc/keys'), {
    place: 's3://b/p?region=r&endpoint=http://h:1',
    options: both,
    optionText: 'compression=zstd&encryption=file:/etc/keys',
  });
  t.like(splitLocation('gs://b?encryption=secret:a/b'), { place: 'gs://b', options: { encryption: 'secret:a/b' } });
  t.like(splitLocation('gs://b?encryption=command:/bin/keys'), { options: { encryption: 'command:/bin/keys' } });
  t.like(splitLocation('file:///backup?compression=none'), { place: 'file:///backup', options: NONE });
});

test('a path without these options is the place, also where its name has a question mark', (t) => {
  for (const place of [
    '/backup',
    'backup',
    'file:///backup',
    's3://b/p?region=r',
    '/what?',
    '/a?b/c',
    '/a?b=c&d',
    'a?encryptions=x',
  ]) {
    t.deepEqual(splitLocation(place), { place, options: NONE, optionText: '' }, place);
  }
});

test('what makes no sense is refused, and a key that stands there by mistake is not repeated', (t) => {
  const refused: [string, RegExp][] = [
    ['file:///backup?compression=bzip2', /compression as none, lz4, zstd, gzip, got "bzip2"/],
    ['file:///backup?compression=', /compression as none/],
    ['file:///backup?compression=zstd&compression=gzip', /compression once/],
    ['file:///backup?encrypted=true', /no options but compression and encryption, got encrypted/],
    ['/backup?compression=zstd&encrypted=true', /got encrypted/],
    ['s3://b?encryption=hidden', /encryption as file:\/path, command:\/path or secret:name/],
    ['s3://b?encryption=file:hidden', /encryption as/],
    ['s3://b?encryption=secret:/hidden', /encryption as/],
    ['s3://b?encryption=command:hidden', /encryption as/],
    ['/backup?encryption=hidden', /encryption as/],
  ];
  for (const [location, message] of refused) {
    const error = t.throws(() => splitLocation(location), { instanceOf: OperatorError, message }, location);
    t.is(error?.code, 'BAD_REQUEST');
    t.false(error?.message.includes('hidden'), location);
  }
});
