import test from 'ava';
import { missingSchema } from '../../src/executor/missing-schema.ts';
import type { SchemaStatement } from '../../src/cassandra/schema.ts';
import { select } from '../../src/executor/selection.ts';

const statement = (type: SchemaStatement['type'], name: string, cql = ''): SchemaStatement => ({
  keyspace: 'shop',
  type,
  name,
  cql,
});
const ALL = [
  statement('keyspace', 'shop'),
  statement('type', 'address'),
  statement('function', 'f'),
  statement('table', 'users'),
  statement('table', 'orders'),
  statement('index', 'users_by_name', 'CREATE INDEX users_by_name ON shop.users (name)'),
  statement('index', 'Odd', 'CREATE INDEX "Odd" ON shop."orders" (total)'),
  statement('materialized_view', 'by_name'),
];
const named = (table: string, viewOf: string | null = null) => ({
  keyspace: 'shop',
  table,
  viewOf,
  id: table,
  columns: [],
  droppedColumns: [],
});
const manifest = {
  schema: ALL,
  keyspaces: ['shop'],
  tables: [named('users'), named('orders'), named('by_name', 'users')],
};
const everything = select(manifest, { keyspaces: null, tables: null });
const names = (statements: SchemaStatement[]) => statements.map(({ name }) => name);

test('an empty cluster gets everything before the truncation', (t) => {
  const { before, after } = missingSchema(manifest, { statements: [], tables: [], keyspaces: [] }, everything);
  t.deepEqual(names(before), names(ALL));
  t.deepEqual(after, []);
});

test('a cluster that has everything gets nothing', (t) => {
  const live = { statements: ALL, tables: manifest.tables, keyspaces: ['shop'] };
  t.deepEqual(missingSchema(manifest, live, everything), { before: [], after: [] });
});

test('missing indexes and views of tables with data are made after these are empty', (t) => {
  const live = { statements: ALL.slice(0, 5), tables: [named('users'), named('orders')], keyspaces: ['shop'] };
  const { before, after } = missingSchema(manifest, live, everything);
  t.deepEqual(before, []);
  t.deepEqual(names(after), ['users_by_name', 'Odd', 'by_name']);
});

test('of tables that are not restored nothing is made', (t) => {
  const live = { statements: [], tables: [], keyspaces: [] };
  const some = select(manifest, { keyspaces: null, tables: ['shop.orders'] });
  t.deepEqual(names(missingSchema(manifest, live, some).before), ['shop', 'address', 'f', 'orders', 'Odd']);
});
