import test from 'ava';
import { MemoryBudget } from '../../../src/storage/objects/memory-budget.ts';

const MIB = 1024 ** 2;

test('parts that follow each other use the same memory', async (t) => {
  const memory = new MemoryBudget(64 * MIB);
  const used = new Set<ArrayBufferLike>();
  for (let part = 0; part < 100; part += 1) {
    const { buffer, release } = await memory.take(8 * MIB - part);
    t.is(buffer.length, 8 * MIB - part);
    used.add(buffer.buffer);
    release();
  }
  t.is(used.size, 1);
  const takeAll = async (): Promise<Set<ArrayBufferLike>> => {
    const grants = await Promise.all(Array.from({ length: 8 }, () => memory.take(8 * MIB)));
    for (const { release } of grants) release();
    return new Set(grants.map(({ buffer }) => buffer.buffer));
  };
  const [first, second] = [await takeAll(), await takeAll()];
  t.is(first.size, 8);
  t.deepEqual(second, first);
});
