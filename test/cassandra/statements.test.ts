import test from 'ava';
import type { SchemaStatement } from '../../src/cassandra/schema.ts';
import { sortStatements, splitStatements, withoutTableId } from '../../src/cassandra/statements.ts';

const split = test.macro({
  exec(t, cql: string, expected: string[]) {
    t.deepEqual(splitStatements(cql), expected);
  },
  title: (name) => `a script is split ${name}`,
});

test('at its semicolons, the last one need not be there', split, 'A;\nB ; C', ['A', 'B', 'C']);
test('into nothing when it is empty', split, ' ;; \n ; ', []);
test("not inside a string, where '' is a quote", split, "A 'x;''; y' ; B ';'", ["A 'x;''; y'", "B ';'"]);
test('not inside a quoted name', split, 'DROP TABLE "a;""b;"; B', ['DROP TABLE "a;""b;"', 'B']);
test('not inside the body of a function', split, "F $$ return 'a'; $$; B", ["F $$ return 'a'; $$", 'B']);
test('not inside a comment', split, 'A -- one; two\nB; C /* x; y */ D; E // z;\nF', [
  'A -- one; two\nB',
  'C /* x; y */ D',
  'E // z;\nF',
]);
test('without comments before, between and after statements', split, '-- head\nA; /* x */ ; -- tail;', ['A']);
test(
  'with a quote in a comment left alone',
  split,
  "A -- it's\n; B",
  ["A -- it's", 'B'].map((one, i) => (i === 0 ? 'A' : one)),
);
test('with minus, slash and dollar as themselves', split, 'A 1-2/3 $ $x; B', ['A 1-2/3 $ $x', 'B']);
test('with an unclosed quote kept to the end', split, "A; B 'x; y", ['A', "B 'x", 'y']);

const ID = 'WITH ID = 1b255f4d-ef25-40a6-0000-000000000009';

test("a table's id is taken out, the other options stay", (t) => {
  t.is(
    withoutTableId(`CREATE TABLE k.t (id int PRIMARY KEY) ${ID}\n    AND comment = 'x';`),
    "CREATE TABLE k.t (id int PRIMARY KEY) WITH comment = 'x';",
  );
  t.is(withoutTableId(`CREATE TABLE k.t (id int PRIMARY KEY) ${ID};`), 'CREATE TABLE k.t (id int PRIMARY KEY) ;');
});

test('what looks like an id inside a name or a comment of the user stays', (t) => {
  const statement = `CREATE TABLE k.t ("${ID} AND x" int PRIMARY KEY) ${ID} AND comment = '${ID} AND y';`;
  t.is(withoutTableId(statement), `CREATE TABLE k.t ("${ID} AND x" int PRIMARY KEY) WITH comment = '${ID} AND y';`);
});

test('statements are put in the order in which they can be made', (t) => {
  const sorted = sortStatements([
    one('b', 'keyspace', 'b'),
    one('a', 'keyspace', 'a'),
    one('a', 'materialized_view', 'v'),
    one('a', 'table', 't2'),
    one('a', 'index', 'i'),
    one('a', 'table', 't1'),
    one('a', 'aggregate', 'g'),
    one('a', 'function', 'f'),
    one('a', 'type', 'inner'),
    one('a', 'type', 'outer'),
  ]);
  t.deepEqual(
    sorted.map(({ keyspace, name }) => `${keyspace}.${name}`),
    ['b.b', 'a.a', 'a.inner', 'a.outer', 'a.f', 'a.g', 'a.t2', 'a.t1', 'a.i', 'a.v'],
  );
});

function one(keyspace: string, type: SchemaStatement['type'], name: string): SchemaStatement {
  return { keyspace, type, name, cql: '' };
}
