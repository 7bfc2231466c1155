import test from 'ava';
import { bytes, duration, table, time } from '../../src/cli/format.ts';

test('Columns are as wide as their widest cell, numbers flush right', (t) => {
  t.is(
    table(
      ['NAME', 'N'],
      [
        ['a', 5],
        ['longer', 12],
      ],
    ),
    'NAME     N\na        5\nlonger  12',
  );
  t.is(table(['NAME', 'N'], []), 'NAME  N');
});

test('Sizes are told in binary units', (t) => {
  t.deepEqual([0, 1, 1023, 1024, 1_234_567, 5 * 2 ** 40].map(bytes), [
    '0 B',
    '1 B',
    '1023 B',
    '1.0 KiB',
    '1.2 MiB',
    '5.0 TiB',
  ]);
});

test('Times are told in the two largest units', (t) => {
  t.deepEqual([5, 1500, 59_400, 83_000, 3_600_000 * 2 + 60_000].map(duration), ['5ms', '2s', '59s', '1m 23s', '2h 1m']);
  t.is(time(null), '-');
  t.is(time(1_438_275_504_302), '2015-07-30T16:58:24Z');
});
