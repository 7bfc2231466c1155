import { crc32 } from 'node:zlib';
import test from 'ava';
import { assert, property, uint8Array } from 'fast-check';
import { combineCrc32, combineCrc32c } from '../../src/storage/crc32-combine.ts';
import { crc32c } from '../../src/storage/crc32c.ts';

for (const [name, sum, combine] of [
  ['CRC-32', crc32, combineCrc32],
  ['CRC-32C', crc32c, combineCrc32c],
] as const) {
  test(`the ${name} of two pieces is that of both together`, (t) => {
    assert(
      property(uint8Array({ maxLength: 300 }), uint8Array({ maxLength: 300 }), (first, second) => {
        const together = sum(Buffer.concat([first, second]));
        return combine(sum(first), sum(second), second.length) === together;
      }),
      { seed: 6 },
    );
    const [begin, long] = [Buffer.from('first'), Buffer.alloc(5_000_001, 'abc')];
    t.is(combine(sum(begin), sum(long), long.length), sum(long, sum(begin)));
  });
}
