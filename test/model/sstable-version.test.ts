import test from 'ava';
import { sstableVersion, whyUnreadable } from '../../src/model/sstable-version.ts';

test('the name of a file tells the format version of its SSTable, as Cassandra names it today and as it did', (t) => {
  const names = {
    'nb-1-big-Data.db': 'nb',
    'oa-3g8a_0ygf_4a9yo2klyu0ym7l0vp-big-SAI+aa+by_age+Meta.db': 'oa',
    'da-7-bti-Partitions.db': 'da',
    'la-1-big-TOC.txt': 'la',
    'shop-users-ka-12-Data.db': 'ka',
    'shop-users-tmp-jb-12-Data.db': 'jb',
    'shop-users.by_name-ka-1-Data.db': 'ka',
    'manifest.json': null,
    'schema.cql': null,
    'nb-x-big-Data.db': null,
    backups: null,
  };
  for (const [name, version] of Object.entries(names)) t.is(sstableVersion(name), version, name);
});

/** `earliest_supported_version` and `current_version` of Cassandra's formats, and what that makes of a version. */
const READABLE: [version: string, release: string | null, readable: boolean][] = [
  ['ma', '4.0.11', true],
  ['nb', '4.1.3', true],
  ['oa', '4.1.3', false],
  ['da', '4.1.3', false],
  ['md', '3.11.17', true],
  ['na', '3.11.17', false],
  ['me', '5.0.5', true],
  ['nb', '5.0.5', true],
  ['oa', '5.0.5', true],
  ['da', '5.0.5', true],
  ['pa', '5.0.5', false],
  ['pa', '6.0.0', true],
  ['ka', '5.0.5', false],
  ['la', '3.11.17', false],
  ['aa', '5.0.5', false],
  ['ka', null, false],
  ['pa', null, true],
];
for (const [version, release, readable] of READABLE) {
  test(`SSTables of version ${version} can${readable ? '' : 'not'} be taken by ${release ?? 'some'} Cassandra`, (t) => {
    t.is(whyUnreadable(version, release) === null, readable);
  });
}

test('what cannot be read is told with who wrote it, who reads it and what to do', (t) => {
  const old = whyUnreadable('ka', '5.0.5');
  t.regex(old?.message ?? '', /version ka \(Cassandra 2\.1\).*Cassandra 5\.0\.5 takes ma \(3\.0\) and later/);
  t.regex(old?.hint ?? '', /Cassandra 3\.11 reads them.*upgradesstables/);
  t.notRegex(whyUnreadable('ic', null)?.hint ?? '', /3\.11/);
  t.regex(whyUnreadable('oa', '4.1.3')?.hint ?? '', /Upgrade the cluster to Cassandra 5\.0 first/);
});
