import test from 'ava';
import type { NodeManifest } from '../../src/model/backup.ts';
import {
  parseManifest,
  parseRecord,
  sha256Of,
  stringifyManifest,
  stringifyRecord,
} from '../../src/storage/manifest.ts';
import { exampleManifest, exampleRecord } from './documents.ts';

const KEY = 'dev/node/b-0/manifest.json';

type Field = readonly (string | number)[];

/** The example's text with one field changed, or left out when the value is undefined. */
function altered(field: Field, value: unknown): string {
  const manifest = JSON.parse(stringifyManifest(exampleManifest())) as Record<string | number, unknown>;
  const owner = field.slice(0, -1).reduce((part, name) => part[name] as typeof manifest, manifest);
  owner[field.at(-1)!] = value;
  return JSON.stringify(manifest);
}

test('documents come back as they were stored', (t) => {
  t.deepEqual(parseManifest(stringifyManifest(exampleManifest()), KEY), exampleManifest());
  t.deepEqual(parseRecord(stringifyRecord(exampleRecord()), KEY), exampleRecord());
});

test('the text does not depend on the order of the fields in memory and ends with a newline', (t) => {
  const example = exampleManifest();
  const reversed = Object.fromEntries(Object.entries(example).reverse()) as unknown as NodeManifest;
  t.is(stringifyManifest(reversed), stringifyManifest(example));
  t.true(stringifyManifest(example).endsWith('}\n'));
  t.true(stringifyManifest(example).startsWith('{\n "version": 1,\n "cluster": "dev",\n "backupName": "b-0",'));
});

test('the checksum is that of the text in UTF-8', (t) => {
  t.is(sha256Of('ü'), '607474ca475a9724d7360aba71a56d5df77e61350e3f724cfa1f46e857e2d85f');
});

const WRONG: [string, Field, unknown, RegExp][] = [
  ['a newer version', ['version'], 2, /version 2: made by a newer version/],
  ['no version', ['version'], undefined, /: version: /],
  ['version 0', ['version'], 0, /: version: /],
  ['a missing field', ['tokens'], undefined, /: tokens: /],
  ['a token as a number', ['tokens', 1], 0, /: tokens\[1\]: /],
  ['a negative size', ['files', 1, 'size'], -1, /: files\[1\]\.size: /],
  ['a broken size', ['files', 0, 'size'], 1.5, /: files\[0\]\.size: /],
  ['a checksum that is none', ['files', 0, 'sha256'], 'abc', /: files\[0\]\.sha256: expected 64/],
  ['a path upwards', ['files', 1, 'path'], '../../etc/passwd', /: files\[1\]\.path: .*"\.\."/],
  ['an absolute path', ['files', 0, 'path'], '/etc/passwd', /: files\[0\]\.path: /],
  ['an empty path', ['files', 0, 'path'], '', /: files\[0\]\.path: /],
  ['a source upwards', ['files', 1, 'source'], 'dev/../../x', /: files\[1\]\.source: /],
  ['a path twice', ['files', 1, 'path'], 'ks1/t/nb-1-big-Data.db', /: files\[1\]\.path: .*twice/],
  ['a cluster that is a path upwards', ['cluster'], '..', /: cluster: /],
  ['a name that is none', ['backupName'], '.hidden', /: backupName: /],
  ['a keyspace list that is none', ['keyspaces'], 'ks1', /: keyspaces: /],
];

for (const [what, field, value, message] of WRONG) {
  test(`a manifest with ${what} is damaged, and the message names the key and the field`, (t) => {
    const error = t.throws(() => parseManifest(altered(field, value), KEY), { code: 'BACKUP_DAMAGED', message });
    t.true(error?.message.includes(KEY));
  });
}

test('text that is no JSON, or no object, is damaged', (t) => {
  for (const text of ['', '{"version":1', 'null', '[]', '"text"', '7', '\0']) {
    t.throws(() => parseManifest(text, KEY), { code: 'BACKUP_DAMAGED' }, text);
    t.throws(() => parseRecord(text, KEY), { code: 'BACKUP_DAMAGED' }, text);
  }
});

test('a record that says SUCCESS and misses something is damaged', (t) => {
  const missing = [{ executorId: 'n', keyspace: null, reason: 'down' }];
  t.throws(() => parseRecord(JSON.stringify({ ...exampleRecord(), missing }), KEY), { code: 'BACKUP_DAMAGED' });
  t.notThrows(() => parseRecord(JSON.stringify({ ...exampleRecord(), result: 'PARTIAL', missing }), KEY));
  t.throws(() => parseRecord(JSON.stringify({ ...exampleRecord(), result: 'GOOD' }), KEY), {
    code: 'BACKUP_DAMAGED',
    message: /: result: /,
  });
});

test('a wrong document is not written', (t) => {
  const manifest = exampleManifest();
  manifest.files[0]!.path = '../x';
  t.throws(() => stringifyManifest(manifest), { message: /files\[0\]\.path/ });
});

test('a manifest of 100,000 files is read and written', (t) => {
  const manifest = exampleManifest();
  manifest.files = Array.from({ length: 100_000 }, (_, index) => ({
    path: `ks1/table_with_a_name/nb-${index}-big-Data.db`,
    size: index,
    sha256: 'd'.repeat(64),
    dataDirectory: 0,
  }));
  const begin = performance.now();
  t.is(parseManifest(stringifyManifest(manifest), KEY).files.length, 100_000);
  t.log(`${Math.round(performance.now() - begin)} ms`);
});
