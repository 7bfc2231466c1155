import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { crc32c } from '../../src/storage/crc32c.ts';
import { hashingHere, HashThreads, type Hashing } from '../../src/storage/hasher.ts';
import { factsOf } from './contract.ts';

const PART = 3_000_001;

function partsOf(content: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let begin = 0; begin < content.length; begin += PART) parts.push(content.subarray(begin, begin + PART));
  return parts;
}

/** Several parts at once, as an upload has them. */
async function hash(hashing: Hashing, content: Buffer) {
  const hasher = hashing.hasher(content.length);
  const parts = partsOf(content);
  const own = await Promise.all(parts.map((part) => hasher.addPart(part)));
  const facts = await hasher.facts();
  hasher.end();
  return { own, facts, parts };
}

for (const [where, make] of [
  ['on the calling thread', () => hashingHere],
  ['in threads', () => new HashThreads(2)],
] as const) {
  test(`what is hashed part by part ${where} is as if it were hashed at once`, async (t) => {
    const hashing = make();
    const contents = [0, 1, 10_000_000, 7_000_003].map((bytes) => randomBytes(bytes));
    await Promise.all(
      contents.map(async (content) => {
        const { own, facts, parts } = await hash(hashing, content);
        t.deepEqual(facts, factsOf(content));
        t.deepEqual(
          own,
          parts.map((part) => ({ crc32: crc32(part) })),
        );
        const hasher = hashing.hasher(content.length);
        await Promise.all(parts.map((part) => hasher.add(part)));
        t.is(await hasher.sha256(), factsOf(content).sha256, 'also where that alone is wanted');
        hasher.end();
      }),
    );
    if (hashing instanceof HashThreads) await hashing.close();
  });
}

test('a thread computes what a store holds parts against, of files and of what is none', async (t) => {
  const hashing = new HashThreads(1);
  const content = randomBytes(7_000_003);
  const parts = partsOf(content);
  const expected = {
    md5: parts.map((part) => ({ crc32: crc32(part), md5: new Uint8Array(createHash('md5').update(part).digest()) })),
    crc32c: parts.map((part) => ({ crc32: crc32(part), crc32c: crc32c(part) })),
  };
  for (const sum of ['md5', 'crc32c'] as const) {
    const hasher = hashing.hasher(content.length, sum);
    t.like(await Promise.all(parts.map((part) => hasher.addPart(part))), expected[sum]);
    t.deepEqual(await hasher.facts(), factsOf(content));
    hasher.end();
    t.like(await Promise.all(parts.slice(0, 2).map((part) => hashing.sums(part, sum))), expected[sum].slice(0, 2));
  }
  await hashing.close();
});

test('a hasher that is given up is none of the next one', async (t) => {
  const hashing = new HashThreads(1);
  const given = hashing.hasher(PART);
  await given.addPart(Buffer.alloc(PART, 1));
  given.end();
  const content = randomBytes(PART);
  t.deepEqual((await hash(hashing, content)).facts, factsOf(content));
  await hashing.close();
});

test('what waits for a thread that ends is told so', async (t) => {
  const hashing = new HashThreads(1);
  const hasher = hashing.hasher(PART);
  const adding = t.throwsAsync(hasher.add(Buffer.alloc(64 * 1024 ** 2)), { message: /thread ended/ });
  await hashing.close();
  await adding;
  await t.throwsAsync(hasher.sha256(), { message: /thread ended/ });
});
