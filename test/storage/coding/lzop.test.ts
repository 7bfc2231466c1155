import { Readable } from 'node:stream';
import test from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { decodeLzop } from '../../../src/storage/coding/lzop.ts';
import { lzop } from '../../helpers/lzop.ts';
import { FILES, sample } from './lzop-files.ts';

async function decoded(bytes: Buffer, pieceSize = bytes.length): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += pieceSize) pieces.push(bytes.subarray(start, start + pieceSize));
  const blocks: Buffer[] = [];
  for await (const block of decodeLzop(Readable.from(pieces), 'the file')) blocks.push(block);
  return Buffer.concat(blocks);
}

/** Three blocks. */
const SMALL = lzop('a few rows of a table that does not get smaller', 20);

for (const [options, text] of Object.entries(FILES)) {
  test(`what lzop ${options} has written is read, in whatever pieces it comes`, async (t) => {
    const bytes = Buffer.from(text, 'base64');
    for (const pieceSize of [1, 7, 500, bytes.length])
      t.true((await decoded(bytes, pieceSize)).equals(sample()), `${pieceSize}`);
  });
}

test('blocks that were stored as they are, several of them, and an empty file are read', async (t) => {
  const content = 'a few rows of a table that does not get smaller';
  t.is((await decoded(SMALL, 11)).toString(), content);
  t.is((await decoded(lzop(''))).length, 0);
});

test('a file that is cut short anywhere, or goes on after its end, is damaged', async (t) => {
  for (const whole of [SMALL, Buffer.from(FILES['-3'], 'base64')]) {
    for (let length = 0; length < whole.length; length += 1) {
      const error = await t.throwsAsync(decoded(whole.subarray(0, length)), { instanceOf: OperatorError });
      t.is(error?.code, 'BACKUP_DAMAGED');
      t.regex(error?.message ?? '', /the file cannot be decoded: it is cut short/);
    }
    await t.throwsAsync(decoded(Buffer.concat([whole, Buffer.from('x')])), { message: /follow its end mark/ });
  }
});

test('no changed byte goes unnoticed, but for one that says the same in other words', async (t) => {
  for (const [whole, content] of [
    [SMALL, Buffer.alloc(0)],
    [Buffer.from(FILES['-9 --crc32'], 'base64'), sample()],
  ] as const) {
    for (let index = 0; index < whole.length; index += 1) {
      const changed = Buffer.from(whole);
      changed[index] = (changed[index] ?? 0) ^ 0x55;
      const outcome = await decoded(changed).catch((error: unknown) => error);
      const isTold = outcome instanceof OperatorError && outcome.code === 'BACKUP_DAMAGED';
      t.true(isTold || (outcome instanceof Buffer && outcome.equals(content)), `byte ${index}`);
    }
  }
});

test('what is no file of lzop, or not of LZO1X, is named', async (t) => {
  await t.throwsAsync(decoded(Buffer.from('nb-1-big-Data.db')), { message: /does not begin as a file of lzop/ });
  const zlib = Buffer.from(SMALL);
  zlib[15] = 128;
  await t.throwsAsync(decoded(zlib), { message: /expected LZO1X, got method 128/ });
});

test('whoever stops reading ends what is read from', async (t) => {
  const content = Readable.from([SMALL, SMALL]);
  for await (const block of decodeLzop(content, 'the file')) {
    t.is(block.length, 20);
    break;
  }
  t.true(content.destroyed);
});
