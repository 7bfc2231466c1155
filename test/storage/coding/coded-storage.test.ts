import { randomBytes } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as fc from 'fast-check';
import { CodedStorage } from '../../../src/storage/coding/coded-storage.ts';
import { DelegatedStorage } from '../../../src/storage/coding/delegated-storage.ts';
import { Keys } from '../../../src/storage/coding/keys.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../../src/storage/file-storage.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { rejectsWith, storageContract } from '../contract.ts';
import { listed } from '../listed.ts';
import { codedPlace, keyLine } from './coded-place.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

const FRAME = 512 * 1024;
const TEXT = Buffer.from('a row of a table that looks much like all the others\n'.repeat(1000));

for (const options of ['compression=zstd', 'encryption=file:KEYS', 'compression=zstd&encryption=file:KEYS']) {
  storageContract(options, { links: 'LINKED', growing: 64 * 1024 ** 2 }, async (t) =>
    (await codedPlace(t, pool)).open(options),
  );
}

test('every compression, with and without a key, gives back what was stored, whatever its size', async (t) => {
  const place = await codedPlace(t, pool);
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: -2, max: 2 }).map((more) => FRAME + more),
    fc.integer({ min: -2, max: 2 }).map((more) => 2 * FRAME + more),
    fc.integer({ min: 0, max: 3 * FRAME }),
  );
  const random = randomBytes(3 * FRAME);
  const noise = { 1: random.map((byte) => byte & 1), 15: random.map((byte) => byte & 15), 255: random };
  const property = fc.asyncProperty(
    fc.constantFrom('none', 'lz4', 'zstd', 'gzip'),
    fc.boolean(),
    sizes,
    fc.constantFrom(1 as const, 15 as const, 255 as const),
    async (compression, isEncrypted, size, mask) => {
      const storage = await place.open(`compression=${compression}${isEncrypted ? '&encryption=file:KEYS' : ''}`);
      const content = Buffer.from(noise[mask].subarray(0, size));
      const stored = await place.put(storage, 'a/file', content);
      t.true(content.equals(await place.get(storage, 'a/file', stored)));
      t.is((await stat(place.path('a/file'))).size, stored.encoding?.stored ?? size);
      t.is(stored.encoding?.keyId, isEncrypted ? '2026-11' : undefined);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('a file that gets smaller is compressed; one that does not, and an SSTable that Cassandra has compressed, are not', async (t) => {
  const place = await codedPlace(t, pool);
  const storage = await place.open('compression=zstd');
  const small = await place.put(storage, 'a/nb-1-big-Index.db', TEXT);
  t.like(small, { size: TEXT.length, encoding: { compression: 'zstd' } });
  t.true((small.encoding?.stored ?? TEXT.length) < TEXT.length / 10);
  t.is((await place.put(storage, 'a/random', randomBytes(100_000))).encoding, undefined);
  t.is((await place.put(storage, 'a/empty', Buffer.alloc(0))).encoding, undefined);

  const data = join(place.work, 'nb-1-big-Data.db');
  await writeFile(data, TEXT);
  t.is((await storage.putFile('a/data', data)).encoding?.compression, 'zstd');
  await writeFile(join(place.work, 'nb-1-big-CompressionInfo.db'), 'chunks');
  t.is((await storage.putFile('a/data', data)).encoding, undefined);
});

test('nothing of an encrypted file can be read at the location, its documents can', async (t) => {
  const place = await codedPlace(t, pool);
  const storage = await place.open('encryption=file:KEYS');
  await place.put(storage, 'a/file', TEXT);
  await place.put(storage, 'a/again', TEXT);
  await storage.putDocument('a/document', 'plain');
  const [one, other] = [await readFile(place.path('a/file')), await readFile(place.path('a/again'))];
  t.false(one.includes('a row'));
  t.notDeepEqual(one.subarray(-1000), other.subarray(-1000), 'the same content looks different each time');
  t.is(await readFile(place.path('a/document'), 'utf8'), 'plain');
});

test('a file is read by what was noted of it, whatever the location says now', async (t) => {
  const place = await codedPlace(t, pool);
  const both = await place.open('compression=gzip&encryption=file:KEYS');
  const encrypted = await place.put(both, 'a/encrypted', TEXT);
  const packed = await place.put(await place.open('compression=zstd'), 'a/packed', TEXT);
  const plain = await place.put(await place.open('compression=none'), 'a/plain', TEXT);
  for (const [key, stored] of Object.entries({ encrypted, packed, plain })) {
    t.true(TEXT.equals(await place.get(both, `a/${key}`, stored)), key);
  }
  const without = await place.open('');
  t.true(TEXT.equals(await place.get(without, 'a/packed', packed)));
  const error = await rejectsWith(t, 'STORAGE_FAILED', place.get(without, 'a/encrypted', encrypted));
  t.regex(error.message, /the key 2026-11, and the location names no keys/);
  await rejectsWith(t, 'STORAGE_FAILED', without.checksum('a/encrypted', { encoding: encrypted.encoding }));
  t.deepEqual((await readdir(place.work)).filter((name) => name.startsWith('target-')).length, 4);
});

test('the first key encrypts, all decrypt; one that is not there any more, and another of its name, are told', async (t) => {
  const [old, next] = [keyLine('2026-10'), keyLine('2026-11')];
  const place = await codedPlace(t, pool, old);
  const before = await place.put(await place.open('encryption=file:KEYS'), 'a/before', TEXT);
  t.is(before.encoding?.keyId, '2026-10');

  await writeFile(place.keys, `# rotated\n\n${next}${old}`);
  const rotated = await place.open('encryption=file:KEYS');
  const after = await place.put(rotated, 'a/after', TEXT);
  t.is(after.encoding?.keyId, '2026-11');
  t.true(TEXT.equals(await place.get(rotated, 'a/before', before)));
  t.true(TEXT.equals(await place.get(rotated, 'a/after', after)));

  await writeFile(place.keys, next);
  const forgotten = await place.open('encryption=file:KEYS');
  const encodings = [before.encoding, after.encoding, undefined];
  const missing = await rejectsWith(t, 'STORAGE_FAILED', forgotten.coding.checkReadable(encodings));
  t.is(
    missing.message,
    `files are encrypted with the key 2026-10, looked for in the file ${place.keys}: there is only 2026-11`,
  );
  await t.notThrowsAsync(forgotten.coding.checkReadable([after.encoding, undefined]));

  await writeFile(place.keys, keyLine('2026-10'));
  const other = await rejectsWith(
    t,
    'STORAGE_FAILED',
    place.get(await place.open('encryption=file:KEYS'), 'a/before', before),
  );
  t.regex(other.message, /the key 2026-10, .*a key of that name there is another one/);
});

test('a new backup refers to what it could have stored so itself, and never to what lies open or needs a lost key', async (t) => {
  const place = await codedPlace(t, pool);
  const { encoding: encrypted } = await place.put(await place.open('encryption=file:KEYS'), 'a/1', TEXT);
  const { encoding: packed } = await place.put(await place.open('compression=zstd'), 'a/2', TEXT);
  const rule = async (options: string) => (await place.open(options)).coding.mayRefer();
  const withKey = await rule('compression=gzip&encryption=file:KEYS');
  t.deepEqual([encrypted, packed, undefined].map(withKey), [true, false, false]);
  t.deepEqual([encrypted, packed, undefined].map(await rule('')), [false, true, true]);
  await writeFile(place.keys, keyLine('2026-11'));
  t.false((await rule('encryption=file:KEYS'))(encrypted), 'another key has its name');
});

/** What is read from it for the first time has one bit that was stored otherwise, as a bad line makes it. */
class BadLine extends DelegatedStorage {
  reads = 0;

  override async readStream(...read: Parameters<Storage['readStream']>): Promise<AsyncIterable<Buffer> | null> {
    const content = await super.readStream(...read);
    this.reads += 1;
    return content && this.reads === 1 ? altered(content) : content;
  }
}

async function* altered(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of content) {
    piece[piece.length - 1] = piece.at(-1)! ^ 1;
    yield piece;
  }
}

for (const options of ['compression=lz4', 'encryption=file:KEYS']) {
  test(`what was altered on its way is read once more: ${options}`, async (t) => {
    const place = await codedPlace(t, pool);
    const stored = await place.put(await place.open(options), 'a/file', TEXT);
    const line = new BadLine(await openFileStorage(join(place.work, 'backup'), pool, false));
    const keys = new Keys(`file:${place.keys}`, { sandbox: place.work });
    const storage = new CodedStorage(line, { url: line.url, pool, compression: null, keys });
    let told = 0;
    const target = join(place.work, 'target');
    await storage.getFile('a/file', target, stored, { onBytes: (bytes) => (told += bytes) });
    t.true(TEXT.equals(await readFile(target)));
    t.is(line.reads, 2);
    t.is(told, TEXT.length, 'each byte is told once');
  });
}

test('keys that cannot be had end a backup at once, and hinder no look at the catalogue', async (t) => {
  const place = await codedPlace(t, pool);
  await place.open('');
  await rejectsWith(t, 'STORAGE_FAILED', place.open('encryption=file:/nowhere/keys'));
  const location = `file://${place.work}/backup?encryption=file:/nowhere/keys`;
  const storage = await openStorage(location, { pool, baseDirectory: '/', create: false });
  t.is(storage.url, location);
  t.deepEqual(await listed(storage), []);
  const packed = await place.put(await place.open('compression=zstd'), 'a/packed', TEXT);
  t.true(TEXT.equals(await place.get(storage, 'a/packed', packed)), 'what needs no key is read without');
});
