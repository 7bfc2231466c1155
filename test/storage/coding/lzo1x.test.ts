import test from 'ava';
import { assert, nat, property, uint8Array } from 'fast-check';
import { BadLzo, decodeLzo1x } from '../../../src/storage/coding/lzo1x.ts';

/** Ends a block. */
const END = [17, 0, 0];

test('literals and a match that reaches into itself are put out', (t) => {
  // 4 literals, said by the first byte; 5 bytes from a distance of 1; one literal after them.
  const block = Buffer.from([17 + 4, ...Buffer.from('abcd'), 0b1000_0001, 0, ...Buffer.from('e'), ...END]);
  t.is(decodeLzo1x(block, 10).toString(), `abcd${'d'.repeat(5)}e`);
});

test('a block that says another size, refers to before its beginning or goes on after its end is refused', (t) => {
  const literals = [17 + 4, ...Buffer.from('abcd')];
  const bad: [number[], number, RegExp][] = [
    [[...literals, ...END], 5, /has 4 bytes instead of 5/],
    [[...literals, ...END], 3, /more than 3 bytes/],
    [[...literals, ...END, 0], 4, /1 bytes follow its end/],
    [[...literals, 0b1001_0000, 0, ...END], 9, /5 bytes before the 4th/],
    [literals, 4, /cut short/],
    [[17 + 9, 1, 2], 9, /cut short/],
  ];
  for (const [bytes, size, message] of bad) {
    const error = t.throws(() => decodeLzo1x(Buffer.from(bytes), size), { instanceOf: BadLzo });
    t.regex(error?.message ?? '', message);
  }
});

test('whatever the bytes are, a block is decoded to its size or refused', (t) => {
  assert(
    property(uint8Array({ maxLength: 200 }), nat(400), (block, size) => {
      try {
        return decodeLzo1x(block, size).length === size;
      } catch (error) {
        return error instanceof BadLzo;
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
