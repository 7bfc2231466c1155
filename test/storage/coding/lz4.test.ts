import { randomBytes } from 'node:crypto';
import test from 'ava';
import * as fc from 'fast-check';
import { BadLz4, compressLz4, decompressLz4 } from '../../../src/storage/coding/lz4.ts';

const text = fc
  .array(fc.constantFrom('row', 'column', 'a', 'bb', '\0\0\0\0\0\0\0\0', 'key-0001'), { maxLength: 400 })
  .map((words) => Buffer.from(words.join('')));
const bytes = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
);

test('whatever is compressed comes back as it was', (t) => {
  fc.assert(
    fc.property(bytes, (content) => decompressLz4(compressLz4(content), content.length).equals(content)),
    { numRuns: 500 },
  );
  for (const size of [4, 5, 12, 13, 65_535, 65_536, 1_048_576]) {
    for (const content of [Buffer.alloc(size), randomBytes(size), randomBytes(size).fill('abc', size >> 1)]) {
      t.true(decompressLz4(compressLz4(content), size).equals(content), `${size} bytes`);
    }
  }
  t.true(compressLz4(Buffer.alloc(1_048_576)).length < 10_000);
});

test('a block that the reference implementation has written is read', (t) => {
  // lz4 1.9.4, `lz4 --no-frame-crc`: the only block of its frame.
  const block = 'ff017468652073616d6520616761696e2c2010001db0616e642074686520656e64';
  const text = 'the same again, the same again, the same again, the same again, and the end';
  t.is(decompressLz4(Buffer.from(block, 'hex'), text.length).toString(), text);
});

test('what is no block, or would be more than was said, is refused', (t) => {
  const content = Buffer.from('the same again and again, the same again and again, the same again and again');
  const block = compressLz4(content);
  for (let end = 0; end < block.length; end += 1) {
    const cut = block.subarray(0, end);
    try {
      t.false(decompressLz4(cut, content.length).equals(content));
    } catch (error) {
      t.true(error instanceof BadLz4);
    }
  }
  t.throws(() => decompressLz4(block, content.length - 1), { instanceOf: BadLz4 });
  t.throws(() => decompressLz4(Buffer.from([0x10, 0x41, 2, 0, 0]), 100), { instanceOf: BadLz4, message: /repeats/ });
  t.throws(() => decompressLz4(Buffer.from([0x10, 0x41, 0, 0, 0]), 100), { instanceOf: BadLz4, message: /repeats/ });
});
