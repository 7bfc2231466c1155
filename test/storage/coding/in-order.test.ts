import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { inOrder } from '../../../src/storage/coding/in-order.ts';

async function* numbers(): AsyncGenerator<number> {
  for (let number = 0; number < 10; number += 1) yield number;
}

test('results come in the order of their items, whichever work ends first, and not more of it is done at once', async (t) => {
  let running = 0;
  let most = 0;
  const work = async (number: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 10 - number; turn += 1) await setImmediate();
    running -= 1;
    return number * 2;
  };
  const results: number[] = [];
  for await (const result of inOrder(numbers(), 3, work)) results.push(result);
  t.deepEqual(results, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  t.is(most, 3);
});

test('a failure comes when its turn does, and nothing is under way after it', async (t) => {
  let running = 0;
  const results: number[] = [];
  const work = async (number: number): Promise<number> => {
    running += 1;
    for (let turn = 0; turn < number; turn += 1) await setImmediate();
    running -= 1;
    if (number === 3) throw new Error('three');
    return number;
  };
  const all = async (): Promise<void> => {
    for await (const result of inOrder(numbers(), 4, work)) results.push(result);
  };
  await t.throwsAsync(all(), { message: 'three' });
  t.deepEqual(results, [0, 1, 2]);
  t.is(running, 0);
});

test('who stops reading ends the items as well', async (t) => {
  let ended = false;
  const items = async function* (): AsyncGenerator<number> {
    try {
      yield* numbers();
    } finally {
      ended = true;
    }
  };
  for await (const first of inOrder(items(), 2, (number) => Promise.resolve(number))) {
    t.is(first, 0);
    break;
  }
  t.true(ended);
});
