import test from 'ava';
import { parseConstraint, violated, type Facts } from '../../src/scheduler/constraints.ts';

/** Whether a node may go to `here` beside nodes with these values of `rack`. */
function allows(constraint: string, here: Facts, placed: string[] = []): boolean {
  return (
    violated(
      parseConstraint(constraint),
      here,
      placed.map((rack) => ({ rack })),
    ) === null
  );
}

test('a constraint is read in Marathon’s form', (t) => {
  t.deepEqual(parseConstraint('hostname:UNIQUE'), { field: 'hostname', operator: 'UNIQUE', value: null });
  t.deepEqual(parseConstraint('rack:GROUP_BY:3'), { field: 'rack', operator: 'GROUP_BY', value: '3' });
  t.deepEqual(parseConstraint('@zone:CLUSTER:a'), { field: '@zone', operator: 'CLUSTER', value: 'a' });
  t.deepEqual(parseConstraint('url:LIKE:http://x.*'), { field: 'url', operator: 'LIKE', value: 'http://x.*' });
});

for (const [text, expected] of [
  ['rack', /field:OPERATOR\[:value\] with one of UNIQUE, CLUSTER/],
  [':UNIQUE', /field:OPERATOR/],
  ['rack:SPREAD', /field:OPERATOR/],
  ['rack:UNIQUE:3', /no value after UNIQUE/],
  ['rack:LIKE', /a value after LIKE/],
  ['rack:CLUSTER:', /a value after the colon of CLUSTER/],
  ['rack:MAX_PER:0', /whole number of at least 1 after MAX_PER/],
  ['rack:GROUP_BY:two', /whole number of at least 1 after GROUP_BY/],
  ['rack:LIKE:(', /regular expression after LIKE/],
] as const) {
  test(`the constraint ${text} is refused with what was expected`, (t) => {
    t.like(
      t.throws(() => parseConstraint(text), { message: expected }),
      { code: 'BAD_REQUEST' },
    );
  });
}

test('UNIQUE takes each value once', (t) => {
  t.true(allows('rack:UNIQUE', { rack: 'a' }, ['b']));
  t.false(allows('rack:UNIQUE', { rack: 'a' }, ['a']));
});

test('CLUSTER keeps all nodes together, where it says', (t) => {
  t.true(allows('rack:CLUSTER', { rack: 'a' }));
  t.false(allows('rack:CLUSTER', { rack: 'a' }, ['b']));
  t.true(allows('rack:CLUSTER:a', { rack: 'a' }, ['a']));
  t.false(allows('rack:CLUSTER:a', { rack: 'b' }));
});

test('GROUP_BY spreads evenly, and over at least as many groups as it says', (t) => {
  t.true(allows('rack:GROUP_BY', { rack: 'a' }, ['a']));
  t.false(allows('rack:GROUP_BY:2', { rack: 'a' }, ['a']));
  t.true(allows('rack:GROUP_BY:2', { rack: 'b' }, ['a']));
  t.true(allows('rack:GROUP_BY:2', { rack: 'a' }, ['a', 'b']));
  t.false(allows('rack:GROUP_BY:2', { rack: 'a' }, ['a', 'a', 'b']));
  t.true(allows('rack:GROUP_BY:2', { rack: 'b' }, ['a', 'a', 'b']));
});

test('MAX_PER counts, IS compares, LIKE and UNLIKE match the whole value', (t) => {
  t.true(allows('rack:MAX_PER:2', { rack: 'a' }, ['a', 'b']));
  t.false(allows('rack:MAX_PER:2', { rack: 'a' }, ['a', 'a']));
  t.true(allows('rack:IS:a', { rack: 'a' }));
  t.false(allows('rack:IS:a', { rack: 'ab' }));
  t.true(allows('disks:IS:2.000', { disks: '2' }));
  t.true(allows('rack:LIKE:a.', { rack: 'ab' }));
  t.false(allows('rack:LIKE:a', { rack: 'ab' }));
  t.false(allows('rack:UNLIKE:a|b', { rack: 'b' }));
  t.true(allows('rack:UNLIKE:a', { rack: 'ab' }));
});

test('an agent without the attribute breaks the constraint, except that it is unlike anything', (t) => {
  for (const constraint of ['UNIQUE', 'CLUSTER:a', 'GROUP_BY:2', 'MAX_PER:2', 'LIKE:.*', 'IS:a']) {
    t.regex(violated(parseConstraint(`rack:${constraint}`), {}, []) ?? '', /the agent has no rack/);
  }
  t.true(allows('rack:UNLIKE:a', {}));
});
