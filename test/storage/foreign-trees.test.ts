import test from 'ava';
import { parseSnapshotterKey } from '../../src/storage/foreign-trees.ts';

const TIME = '20150102030405';
const TABLE = `users-${'0a'.repeat(16)}`;

test('a key of cassandra_snapshotter says data directory, keyspace, table and file', (t) => {
  const users = { dataDirectory: 'var/lib/cassandra/data', keyspace: 'shop', tableFolder: TABLE };
  const folder = `var/lib/cassandra/data/shop/${TABLE}`;
  t.deepEqual(parseSnapshotterKey(`${folder}/snapshots/${TIME}/mc-1-big-Data.db.lzo`, TIME), {
    ...users,
    isSnapshot: true,
    name: 'mc-1-big-Data.db',
    isLzop: true,
  });
  t.deepEqual(parseSnapshotterKey(`${folder}/backups/mc-2-big-TOC.txt`, TIME), {
    ...users,
    isSnapshot: false,
    name: 'mc-2-big-TOC.txt',
    isLzop: false,
  });
});

test('files of other snapshots and what lies elsewhere are none of its files', (t) => {
  for (const key of [
    'data/shop/users/snapshots/20140102030405/mc-1-big-Data.db.lzo',
    'data/shop/users/mc-1-big-Data.db.lzo',
    'data/shop/users/backups/.idx/mc-1-big-Data.db.lzo',
    'manifest.json',
  ]) {
    t.is(parseSnapshotterKey(key, TIME), null, key);
  }
});
