import { crc32 } from 'node:zlib';
import test from 'ava';
import { assert, property, uint8Array } from 'fast-check';
import { combineCrc32 } from '../../src/storage/crc32-combine.ts';

test('the checksum of two pieces is that of both together', (t) => {
  assert(
    property(uint8Array({ maxLength: 300 }), uint8Array({ maxLength: 300 }), (first, second) => {
      const together = crc32(Buffer.concat([first, second]));
      return combineCrc32(crc32(first), crc32(second), second.length) === together;
    }),
    { seed: 6 },
  );
  const long = Buffer.alloc(5_000_001, 'abc');
  t.is(combineCrc32(crc32('first'), crc32(long), long.length), crc32(long, crc32('first')));
});
