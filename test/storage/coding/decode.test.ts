import { randomBytes } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { Storage, StoredFile } from '../../../src/storage/storage.ts';
import { codedPlace, keyLine, type CodedPlace } from './coded-place.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

const FRAME = 512 * 1024;
/** Three frames, the last one not full. */
const CONTENT = randomBytes(2 * FRAME + 1000);

/** Where the parts of an encrypted file of CONTENT begin, whose key id has seven characters. */
const HEADER = { magic: 0, version: 8, compression: 9, idLength: 10, id: 11, salt: 18, end: 50 };
const FRAMES = [0, 1, 2].map((number) => {
  const begin = HEADER.end + number * (4 + 16 + FRAME);
  return { begin, tag: begin + 4, content: begin + 20, end: begin + 20 + (number < 2 ? FRAME : 1000) };
});

interface Stored extends CodedPlace {
  storage: Storage;
  file: StoredFile;
  bytes: Buffer;
}

async function stored(t: ExecutionContext, options: string, content = CONTENT): Promise<Stored> {
  const place = await codedPlace(t, pool);
  const storage = await place.open(options);
  const file = await place.put(storage, 'a/file', content);
  return { ...place, storage, file, bytes: await readFile(place.path('a/file')) };
}

/** Lies at the location in place of what was stored. */
async function isRefused(t: ExecutionContext, at: Stored, bytes: Buffer, what: string): Promise<void> {
  await writeFile(at.path('a/file'), bytes);
  const error = await t.throwsAsync(at.get(at.storage, 'a/file', at.file), { instanceOf: OperatorError }, what);
  t.is(error?.code, 'BACKUP_DAMAGED', `${what}: ${error?.message}`);
  t.true(error?.message.includes('a/file'), what);
  t.deepEqual(
    (await readdir(at.work)).filter((name) => !['backup', 'keys', 'source'].includes(name)),
    [],
    `${what}: nothing is left beside the target`,
  );
}

const frame = (bytes: Buffer, number: number): Buffer => bytes.subarray(FRAMES[number]?.begin, FRAMES[number]?.end);

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
}

test('an encrypted file is laid out as the format says', async (t) => {
  const { bytes } = await stored(t, 'encryption=file:KEYS');
  t.is(bytes.subarray(0, HEADER.salt).toString('latin1'), 'CASSMESO\x01\x00\x072026-11');
  t.deepEqual(
    FRAMES.map(({ begin }) => bytes.readUInt32BE(begin)),
    [FRAME, FRAME, 0x80000000 + 1000],
  );
  t.is(FRAMES[2]?.end, bytes.length);
});

test('an encrypted file in which one bit is another is damaged, wherever the bit is', async (t) => {
  const at = await stored(t, 'encryption=file:KEYS');
  const places = Object.entries(HEADER).filter(([name]) => name !== 'end');
  for (const [number, frame] of FRAMES.entries()) {
    places.push([`length of frame ${number}`, frame.begin], [`length of frame ${number}, low`, frame.begin + 3]);
    places.push([`tag of frame ${number}`, frame.tag], [`end of that tag`, frame.content - 1]);
    places.push([`frame ${number}`, frame.content], [`end of frame ${number}`, frame.end - 1]);
  }
  for (const [name, position] of places) await isRefused(t, at, flipped(at.bytes, position), name);
  const error = await t.throwsAsync(at.storage.checksum('a/file', { encoding: at.file.encoding }));
  t.regex(error?.message ?? '', /a\/file cannot be decoded: a frame is not as it was encrypted/);
});

test('an encrypted file that is cut short is damaged, also at the border of a frame', async (t) => {
  const at = await stored(t, 'encryption=file:KEYS');
  const ends = [0, 5, HEADER.id, HEADER.salt, HEADER.end - 1, HEADER.end];
  for (const { begin, tag, content, end } of FRAMES)
    ends.push(begin + 2, tag, tag + 3, content, content + 1, end - 1, end);
  for (const end of ends.filter((position) => position < at.bytes.length)) {
    await isRefused(t, at, at.bytes.subarray(0, end), `cut at ${end}`);
  }
  // Whoever cuts it at a border cannot make the frame before it the last one.
  const cut = Buffer.from(at.bytes.subarray(0, FRAMES[1]!.end));
  cut.writeUInt32BE(0x80000000 + FRAME, FRAMES[1]!.begin);
  await isRefused(t, at, cut, 'cut, and the frame before it called the last');
});

test('frames that are moved, left out, said again or brought from another file are damage', async (t) => {
  const at = await stored(t, 'encryption=file:KEYS');
  const other = await at.put(at.storage, 'a/other', CONTENT);
  const others = await readFile(at.path('a/other'));
  const header = at.bytes.subarray(0, HEADER.end);
  const [first, second, last] = [0, 1, 2].map((number) => frame(at.bytes, number)) as [Buffer, Buffer, Buffer];
  const made: Record<string, Buffer[]> = {
    'two frames in each other’s place': [header, second, first, last],
    'the first left out': [header, second, last],
    'the second left out': [header, first, last],
    'the first said again': [header, first, first, second, last],
    'the last said again': [header, first, second, last, last],
    'the last before the others': [header, last, first, second],
    'one byte after the last': [at.bytes, Buffer.alloc(1)],
    'the frame of another file at that place': [header, frame(others, 0), second, last],
    'the last frame of another file': [header, first, second, frame(others, 2)],
    'the header of another file': [others.subarray(0, HEADER.end), first, second, last],
  };
  for (const [what, parts] of Object.entries(made)) await isRefused(t, at, Buffer.concat(parts), what);
  t.is(other.sha256, at.file.sha256);
});

test('whole files in each other’s place are damage, and so is one that another key has encrypted', async (t) => {
  const at = await stored(t, 'encryption=file:KEYS');
  await at.put(at.storage, 'a/other', randomBytes(CONTENT.length));
  const other = await readFile(at.path('a/other'));
  t.is(other.length, at.bytes.length);
  await isRefused(t, at, other, 'another file');

  await writeFile(at.keys, keyLine('2026-11'));
  await at.put(await at.open('encryption=file:KEYS'), 'a/other', CONTENT);
  await isRefused(t, at, await readFile(at.path('a/other')), 'the same content by another key of that name');
});

test('a file that lies open in the place of an encrypted one is not taken for it', async (t) => {
  const at = await stored(t, 'compression=zstd&encryption=file:KEYS', Buffer.alloc(3 * FRAME));
  await isRefused(t, at, Buffer.alloc(3 * FRAME), 'the content itself');
  await at.put(await at.open('compression=zstd'), 'a/open', Buffer.alloc(3 * FRAME));
  await isRefused(t, at, await readFile(at.path('a/open')), 'the content compressed alone');
});

for (const compression of ['lz4', 'zstd', 'gzip']) {
  test(`a file compressed by ${compression} that was altered or cut is damaged`, async (t) => {
    const content = Buffer.from(CONTENT.map((byte) => byte & 15));
    const at = await stored(t, `compression=${compression}`, content);
    const { bytes } = at;
    for (const part of [0, 8, 9, 10, 12, bytes.length >> 2, bytes.length >> 1, bytes.length - 20]) {
      await isRefused(t, at, flipped(bytes, part), `a bit of byte ${part}`);
    }
    for (const end of [0, 11, 100, bytes.length >> 1, bytes.length - 1]) {
      await isRefused(t, at, bytes.subarray(0, end), `cut at ${end}`);
    }
    await isRefused(t, at, Buffer.concat([bytes, Buffer.alloc(1)]), 'one byte more');
  });
}

test('a frame that says it is huge is damage, not a reason to take the memory for it', async (t) => {
  const at = await stored(t, 'encryption=file:KEYS');
  const huge = Buffer.from(at.bytes);
  huge.writeUInt32BE(0x7fffffff, HEADER.end);
  await isRefused(t, at, huge, 'a length of 2 GiB');
});
