import test from 'ava';
import { select } from '../../src/executor/selection.ts';

const named = (keyspace: string, table: string, viewOf: string | null = null) => ({ keyspace, table, viewOf });
const catalogue = {
  keyspaces: ['shop', 'log', 'empty'],
  tables: [named('shop', 'users'), named('shop', 'users_x'), named('shop', 'by_name', 'users'), named('log', 'users')],
};
const chosen = (keyspaces: string[] | null, tables: string[] | null) =>
  select(catalogue, { keyspaces, tables }).tables.map(({ keyspace, table }) => `${keyspace}.${table}`);

test('without a filter everything is selected, empty keyspaces too', (t) => {
  t.deepEqual(select(catalogue, { keyspaces: null, tables: null }).keyspaces, ['shop', 'log', 'empty']);
  t.is(chosen(null, null).length, 4);
});

test('a table is selected by its whole name, with its views', (t) => {
  t.deepEqual(chosen(null, ['shop.users']), ['shop.users', 'shop.by_name']);
});

test('a view is selected with its base table', (t) => {
  t.deepEqual(chosen(null, ['shop.by_name']), ['shop.users', 'shop.by_name']);
});

test('tables narrow their own keyspace and leave the others whole', (t) => {
  t.deepEqual(chosen(['shop', 'log'], ['shop.users_x']), ['shop.users_x', 'log.users']);
});

test('names that do not exist are told', (t) => {
  t.deepEqual(select(catalogue, { keyspaces: ['nowhere'], tables: ['shop.nothing', 'gone.t'] }).unknown, [
    { keyspace: 'nowhere', name: 'nowhere' },
    { keyspace: 'gone', name: 'gone' },
    { keyspace: 'shop', name: 'shop.nothing' },
  ]);
});
