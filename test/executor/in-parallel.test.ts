import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { inParallel } from '../../src/executor/in-parallel.ts';

const never = new AbortController().signal;

test('every item has its turn, and no more than the limit at the same time', async (t) => {
  const done: number[] = [];
  let atWork = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
    most = Math.max(most, ++atWork);
    await setImmediate();
    atWork -= 1;
    done.push(item);
  });
  t.is(most, 3);
  t.deepEqual(new Set(done), new Set([1, 2, 3, 4, 5, 6, 7]));
});

test('the first failure stops the others, and is thrown when they are at rest', async (t) => {
  let resting = 0;
  const work = inParallel([1, 2, 3, 4, 5, 6], 2, never, async (item, signal) => {
    if (item === 1) throw new Error('first');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await setImmediate();
    resting += 1;
  });
  await t.throwsAsync(work, { message: 'first' });
  t.is(resting, 1);
});

test('an abort from outside ends it with the reason', async (t) => {
  const abort = new AbortController();
  const seen: number[] = [];
  const work = inParallel([1, 2, 3], 1, abort.signal, async (item) => {
    seen.push(item);
    abort.abort(new Error('enough'));
    await setImmediate();
  });
  await t.throwsAsync(work, { message: 'enough' });
  t.deepEqual(seen, [1]);
});
