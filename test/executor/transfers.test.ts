import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { transferAll } from '../../src/executor/transfers.ts';

const MIB = 1024 ** 2;
const { signal } = new AbortController();

test('every file is brought once, the largest first, and of small ones many at once', async (t) => {
  const large = Array.from({ length: 10 }, (_, index) => ({ size: (index + 2) * MIB }));
  const small = Array.from({ length: 40 }, (_, index) => ({ size: index }));
  const order: number[] = [];
  const running = { large: 0, small: 0 };
  const most = { large: 0, small: 0 };
  await transferAll([...small, ...large], signal, async ({ size }) => {
    order.push(size);
    const kind = size > MIB ? 'large' : 'small';
    running[kind] += 1;
    most[kind] = Math.max(most[kind], running[kind]);
    await turn();
    running[kind] -= 1;
  });
  t.deepEqual(
    order,
    [...small, ...large].map(({ size }) => size).toSorted((left, right) => right - left),
  );
  t.deepEqual(most, { large: 4, small: 16 });
});

test('nothing more is begun when one has failed', async (t) => {
  const begun: number[] = [];
  const failing = transferAll([{ size: 3 * MIB }, { size: 2 * MIB }, { size: 1 }], signal, ({ size }) => {
    begun.push(size);
    return Promise.reject(new Error('no way'));
  });
  await t.throwsAsync(failing, { message: 'no way' });
  t.false(begun.includes(1));
});
