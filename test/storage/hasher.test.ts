import { randomBytes } from 'node:crypto';
import test from 'ava';
import { hashingHere, HashThreads, type Hashing } from '../../src/storage/hasher.ts';
import { crc32 } from 'node:zlib';
import { factsOf } from './contract.ts';

const PART = 3_000_001;

/** Several parts at once, as an upload has them. */
async function hash(hashing: Hashing, content: Buffer) {
  const hasher = hashing.hasher(content.length);
  const parts: Buffer[] = [];
  for (let begin = 0; begin < content.length; begin += PART) parts.push(content.subarray(begin, begin + PART));
  const own = await Promise.all(parts.map((part) => hasher.add(part)));
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
          parts.map((part) => crc32(part)),
        );
      }),
    );
    if (hashing instanceof HashThreads) await hashing.close();
  });
}

test('a hasher that is given up is none of the next one', async (t) => {
  const hashing = new HashThreads(1);
  const given = hashing.hasher(PART);
  await given.add(Buffer.alloc(PART, 1));
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
  await t.throwsAsync(hasher.facts(), { message: /thread ended/ });
});
