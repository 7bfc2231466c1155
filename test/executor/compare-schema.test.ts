import test from 'ava';
import { compareSchema } from '../../src/executor/compare-schema.ts';
import type { ColumnSchema, TableSchema } from '../../src/cassandra/schema.ts';
import { column } from '../helpers/directory-node.ts';

function table(name: string, columns: ColumnSchema[], change: Partial<TableSchema> = {}): TableSchema {
  return { keyspace: 'shop', table: name, id: name, viewOf: null, columns, droppedColumns: [], ...change };
}

const id = column('id', { type: 'uuid' });
const name = column('name', { kind: 'regular', position: -1 });
const at = column('at', { kind: 'clustering', type: 'timestamp', clusteringOrder: 'desc' });

const refusal = test.macro({
  exec(t, _title: string, backup: TableSchema[], live: TableSchema[], expected: string[]) {
    t.deepEqual(compareSchema({ tables: backup, types: [] }, { tables: live, types: [] }), expected);
  },
  title: (_provided, title: string) => title,
});

const users = table('users', [id, name]);
test(refusal, 'the same table is fine', [users], [users], []);
test(refusal, 'a table that is missing here is fine', [users], [], []);
test(refusal, 'a column that came later is fine', [table('users', [id])], [users], []);
test(refusal, 'tables that are not restored do not matter', [], [users], []);
test(
  refusal,
  'a column that is not here is refused',
  [users],
  [table('users', [id])],
  ['column name of shop.users does not exist here'],
);
test(
  refusal,
  'a column that was dropped since is refused',
  [users],
  [table('users', [id], { droppedColumns: ['name'] })],
  ['column name of shop.users was dropped since the backup'],
);
test(
  refusal,
  'a column that was dropped and added again since is refused: its old cells are hidden',
  [users],
  [table('users', [id, name], { droppedColumns: ['name'] })],
  ['column name of shop.users was dropped and added again since the backup; its old data would be hidden'],
);
test(
  refusal,
  'a column that had been dropped and added again before the backup is fine',
  [table('users', [id, name], { droppedColumns: ['name'] })],
  [table('users', [id, name], { droppedColumns: ['name'] })],
  [],
);
test(
  refusal,
  'another type is refused',
  [users],
  [table('users', [id, { ...name, type: 'int' }])],
  ['column name of shop.users is int here, but text in the backup'],
);
test(
  refusal,
  'another kind is refused',
  [users],
  [table('users', [id, { ...name, kind: 'static' }])],
  ['column name of shop.users is static here, but regular in the backup'],
);
test(
  refusal,
  'another clustering order is refused',
  [table('users', [id, at])],
  [table('users', [id, { ...at, clusteringOrder: 'asc' }])],
  ['column at of shop.users is ordered asc here, but desc in the backup'],
);
test(
  refusal,
  'one more column in the primary key is refused',
  [users],
  [table('users', [id, at, name])],
  ['column at of shop.users is part of the primary key here, but is not in the backup'],
);
test(
  refusal,
  'another order of the primary key is refused',
  [table('users', [id, column('b', { position: 1 })])],
  [table('users', [{ ...id, position: 1 }, column('b', { position: 0 })])],
  [
    'column id of shop.users is at place 1 of its key here, but at 0 in the backup',
    'column b of shop.users is at place 0 of its key here, but at 1 in the backup',
  ],
);
test(
  refusal,
  'a view where the backup has a table is refused',
  [users],
  [table('users', [id, name], { viewOf: 'people' })],
  ['shop.users is a view of people here, but a table in the backup'],
);
test(
  refusal,
  'a live view of a restored table that is not in the backup is refused',
  [users],
  [users, table('by_name', [name, id], { viewOf: 'users' })],
  ['view shop.by_name of shop.users is not in the backup and would be left empty; drop it first'],
);

const type = (...fields: { name: string; type: string }[]) => [{ keyspace: 'shop', name: 'address', fields }];

test('fields added to a type at its end are fine, other changes are refused', (t) => {
  const street = { name: 'street', type: 'text' };
  const city = { name: 'city', type: 'text' };
  const compare = (backup: (typeof street)[], live: (typeof street)[]) =>
    compareSchema({ tables: [users], types: type(...backup) }, { tables: [users], types: type(...live) });
  t.deepEqual(compare([street], [street, city]), []);
  t.deepEqual(compare([street, city], [street]), [
    'type shop.address is (street text) here, but (street text, city text) in the backup',
  ]);
  t.is(compare([street], [{ ...street, type: 'int' }]).length, 1);
});
