import { randomBytes } from 'node:crypto';
import test from 'ava';
import { crc32c, crc32cText } from '../../src/storage/crc32c.ts';

test("CRC-32C of known texts is that of the RFCs and of Google's documentation", (t) => {
  // RFC 3720, appendix B.4, and the check value of the algorithm.
  const ascending = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
  const known: [Buffer, number][] = [
    [Buffer.alloc(0), 0],
    [Buffer.from('123456789'), 0xe3069283],
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [Buffer.from(ascending).reverse(), 0x113fdb5c],
  ];
  for (const [bytes, expected] of known) t.is(crc32c(bytes), expected);
  t.is(crc32cText(crc32c(Buffer.from('hello'))), 'mnG7TA==');
});

test('CRC-32C is the same in one go and in pieces, wherever they begin in memory', (t) => {
  const bytes = randomBytes(1000);
  const whole = crc32c(bytes);
  for (let cut = 0; cut <= 40; cut += 1) {
    t.is(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), whole);
    const moved = Buffer.concat([Buffer.alloc(cut), bytes]).subarray(cut);
    t.is(crc32c(moved), whole);
  }
});
