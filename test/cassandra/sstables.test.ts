import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  digestComponent,
  isSequenceId,
  nextGenerations,
  parseComponent,
  readDigest,
  renameComponent,
  tableDirectory,
} from '../../src/cassandra/sstables.ts';
import type { OperatorError } from '../../src/errors.ts';
import { temporaryDirectory } from './real-cassandra.ts';

const UUID_ID = '3g1u_0abc_0defg2abcdefghijkl';

const NAMES: [name: string, version: string, id: string, format: 'big' | 'bti', component: string][] = [
  ['mc-1-big-Data.db', 'mc', '1', 'big', 'Data.db'],
  ['me-42-big-Digest.crc32', 'me', '42', 'big', 'Digest.crc32'],
  ['nb-12-big-TOC.txt', 'nb', '12', 'big', 'TOC.txt'],
  [`oa-${UUID_ID}-big-CompressionInfo.db`, 'oa', UUID_ID, 'big', 'CompressionInfo.db'],
  [`da-${UUID_ID}-bti-Partitions.db`, 'da', UUID_ID, 'bti', 'Partitions.db'],
  ['nb-1-big-SAI+aa+by_age+ColumnComplete.db', 'nb', '1', 'big', 'SAI+aa+by_age+ColumnComplete.db'],
  ['mc-7-big-SI_by-name.db', 'mc', '7', 'big', 'SI_by-name.db'],
];

for (const [name, version, id, format, component] of NAMES) {
  test(`${name} is read as its parts and written as them again`, (t) => {
    const parsed = parseComponent(name);
    t.deepEqual(parsed, { version, id, format, component });
    t.is(parsed && renameComponent(parsed, id), name);
  });
}

test('other files are no components', (t) => {
  const others = [
    'manifest.json',
    'schema.cql',
    'backups',
    '.by_age',
    'nb--big-Data.db',
    'nb-1-big-',
    'nb-1-huge-Data.db',
  ];
  for (const name of [...others, 'nb-1-big-../Data.db', 'tmp-nb-1-big-Data.db', 'nb-3g1u_0abc-big-Data.db']) {
    t.is(parseComponent(name), null, name);
  }
});

test('a component finds the digest of its SSTable and can take another id', (t) => {
  const data = parseComponent('nb-3-big-Data.db');
  t.is(data && digestComponent(data), 'nb-3-big-Digest.crc32');
  t.is(data && renameComponent(data, '100003'), 'nb-100003-big-Data.db');
});

test('new generations are far above all that are there, and differ', (t) => {
  t.deepEqual(nextGenerations(['nb-9-big-Data.db', 'nb-10-big-Data.db', 'manifest.json'], 2), [100_010, 100_011]);
  t.deepEqual(nextGenerations([], 1), [100_000]);
  t.deepEqual(nextGenerations([`da-${UUID_ID}-bti-Data.db`, 'da-2-bti-Data.db'], 1), [100_002]);
});

test('sequence numbers and UUIDs are told apart', (t) => {
  t.true(isSequenceId('12'));
  t.false(isSequenceId(UUID_ID));
});

test("a table's directory ends with its id without dashes", (t) => {
  t.is(
    tableDirectory('/data', 'ks1', 'Users', 'bc92c1a0-e543-11f1-ad90-85b29e2ed175'),
    '/data/ks1/Users-bc92c1a0e54311f1ad9085b29e2ed175',
  );
});

test('a digest is an unsigned number of 32 bits in decimal', async (t) => {
  const file = join(await temporaryDirectory(t), 'nb-1-big-Digest.crc32');
  await writeFile(file, '4294967295\n');
  t.is(await readDigest(file), 0xffff_ffff);
  for (const wrong of ['', '4294967296', '-1', '12ab', '0x10']) {
    await writeFile(file, wrong);
    const error = await t.throwsAsync<OperatorError>(readDigest(file));
    t.is(error.code, 'SSTABLE_CORRUPT', wrong);
    t.true(error.message.includes(file));
  }
});
