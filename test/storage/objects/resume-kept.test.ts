import { existsSync } from 'node:fs';
import { open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { keyLine } from '../coding/coded-place.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import {
  answerHowFar,
  asksHowFar,
  interrupted,
  KEY,
  killed,
  makeSource,
  PART,
  PARTS,
  stored,
  THERE,
} from './cut-short.ts';
import type { FaultKind } from './fault-kinds.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const isGoogle = ({ name }: FaultKind): boolean => name === 'GCS';

/** Where unfinished uploads are kept. */
const uploadsOf = ({ work }: FaultPlace): string => join(work, 'uploads');

/** Bytes of the parts that came to the proxy. */
function bytesSent({ proxy, kind }: FaultPlace): number {
  const lengths = proxy.seen.filter(kind.asks.part).map(({ headers }) => Number(headers['content-length']));
  return lengths.reduce((sum, bytes) => sum + bytes, 0);
}

/** The same place for a node that keeps its unfinished uploads, and with these options. */
async function keeping(t: ExecutionContext, { work, clock, memory, kind }: FaultPlace, url: string): Promise<Storage> {
  const pool = createCopyPool(1);
  t.teardown(() => pool.close());
  const uploadsDirectory = join(work, 'uploads');
  return openStorage(url, { pool, baseDirectory: work, create: true, memory, clock, env: kind.env, uploadsDirectory });
}

/** The place with files encrypted, with a key that is made where there is none. */
async function encrypted(place: FaultPlace): Promise<string> {
  const keys = join(place.work, 'keys');
  if (!existsSync(keys)) await writeFile(keys, keyLine('2026-11'), { mode: 0o600 });
  return `${place.url}&encryption=file:${keys}&compression=zstd`;
}

/** The only file that is kept. */
async function keptFile(place: FaultPlace): Promise<string> {
  const names = await readdir(uploadsOf(place));
  if (names.length !== 1) throw new Error(`expected one file, got ${names.length}`);
  return join(uploadsOf(place), names[0] ?? '');
}

async function overwrite(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write('changed', at);
  await file.close();
}

faultTest(
  'an upload to Google whose process was killed goes on in another that finds its session on the node',
  async (t, place) => {
    const { proxy, direct } = place;
    const { path, content } = await makeSource(place);
    await killed(place, path, uploadsOf(place));
    t.is((await stat(await keptFile(place))).mode & 0o777, 0o600, 'nobody else reads it');
    answerHowFar(place);
    t.deepEqual(await stored(place, path, uploadsOf(place)), factsOf(content));
    t.is(proxy.count(place.kind.asks.begin), 0);
    t.is(proxy.count(place.kind.asks.part), PARTS - THERE);
    t.true(bytesSent(place) <= content.length - THERE * PART);
    t.deepEqual(await direct.checksum(KEY), factsOf(content));
    t.deepEqual(await readdir(uploadsOf(place)), [], 'it is forgotten');
  },
  isGoogle,
);

faultTest('an encrypted upload whose process was killed goes on in another with the same bytes', async (t, place) => {
  const { kind, proxy } = place;
  const { path, content } = await makeSource(place);
  const coded = { ...place, url: await encrypted(place) };
  await killed(coded, path, uploadsOf(place));
  t.deepEqual(await listed(place.direct), [], 'nothing half-done is visible');
  answerHowFar(place);
  const file = await stored(coded, path, uploadsOf(place));
  t.is(proxy.count(kind.asks.part), PARTS - THERE);
  t.true(bytesSent(place) < content.length - THERE * PART + 4096);
  t.deepEqual(await readdir(uploadsOf(place)), [], 'it is forgotten');
  const { encoding, ...facts } = file;
  t.deepEqual(facts, factsOf(content));
  t.truthy(encoding?.keyId);
  const storage = await keeping(t, place, coded.url);
  t.deepEqual(await storage.checksum(KEY, { encoding }), file);
});

/** Stores an encrypted file until some parts are there, and one more is on its way. */
async function cutShort(t: ExecutionContext, place: FaultPlace) {
  const { path } = await makeSource(place);
  // As exact as it can be set again.
  await utimes(path, 1_700_000_000, 1_700_000_000);
  const storage = await keeping(t, place, await encrypted(place));
  await interrupted(t, { ...place, storage }, path);
  return { path, storage, salt: await keptSalt(place) };
}

async function keptSalt(place: FaultPlace): Promise<string> {
  const [opening = ''] = (await readFile(await keptFile(place), 'utf8')).split('\n');
  return (JSON.parse(opening) as { salt: string }).salt;
}

/** The one that the stored file begins with, after its key's id. */
async function storedSalt({ direct }: FaultPlace): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of (await direct.readStream(KEY)) ?? []) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const begin = 'CASSMESO'.length + 3;
  const keyIdBytes = bytes[begin - 1] ?? 0;
  return bytes.toString('base64', begin + keyIdBytes, begin + keyIdBytes + 32);
}

const isS3 = ({ name }: FaultKind): boolean => name === 'S3';

faultTest(
  'an encrypted upload goes on with its salt where the file is the same',
  async (t, place) => {
    const { path, storage, salt } = await cutShort(t, place);
    const file = await storage.putFile(KEY, path);
    t.is(place.proxy.count(place.kind.asks.part), PARTS - THERE);
    t.is(await storedSalt(place), salt);
    t.deepEqual(await storage.checksum(KEY, { encoding: file.encoding }), file);
  },
  isS3,
);

for (const [where, at] of [
  ['that the store has', PART],
  ['that was under way, which the store does not have', THERE * PART + PART / 2],
] as const) {
  faultTest(
    `an encrypted file that has changed without a trace in a part ${where} is stored with another salt`,
    async (t, place) => {
      const { path, storage, salt } = await cutShort(t, place);
      await overwrite(path, at);
      await utimes(path, 1_700_000_000, 1_700_000_000);
      const before = place.proxy.seen.length;
      const { encoding, ...facts } = await storage.putFile(KEY, path);
      t.deepEqual(facts, factsOf(await readFile(path)));
      const frames = place.proxy.seen.slice(before).filter(place.kind.asks.part);
      t.true(frames.length >= PARTS, 'all of it is sent anew');
      t.not(await storedSalt(place), salt);
      t.deepEqual(await storage.checksum(KEY, { encoding }), { ...facts, encoding });
      t.deepEqual(await readdir(uploadsOf(place)), []);
    },
    isS3,
  );
}

faultTest(
  'an encrypted file that was written anew, or is encrypted with another key, is stored with another salt',
  async (t, place) => {
    const { path, storage, salt } = await cutShort(t, place);
    await utimes(path, 1_700_000_000, 1_700_000_001);
    await storage.putFile(KEY, path);
    t.not(await storedSalt(place), salt);
    place.proxy.forget();
    const again = await cutShort(t, place);
    await writeFile(join(place.work, 'keys'), keyLine('2026-12'));
    const rotated = await keeping(t, place, await encrypted(place));
    t.is((await rotated.putFile(KEY, again.path)).encoding?.keyId, '2026-12');
    t.not(await storedSalt(place), again.salt);
  },
  isS3,
);

faultTest(
  'what Google has of another file that begins alike makes no object, and the next try sends the file anew',
  async (t, place) => {
    const { kind, proxy, direct } = place;
    const { path } = await makeSource(place);
    await killed(place, path, uploadsOf(place));
    const kept = await readFile(await keptFile(place), 'utf8');
    await overwrite(path, PART + 5);
    const storage = await keeping(t, place, place.url);
    answerHowFar(place);
    const body = JSON.stringify({ error: { message: "Provided CRC32C doesn't match calculated CRC32C" } });
    proxy.when(kind.asks.complete, { answer: { status: 400, body } });
    const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile(KEY, path));
    t.regex(error.message, /c\/n\/b\/file: what an earlier try has brought is of other content/);
    const { path: session } = JSON.parse(kept) as { path: string };
    t.false(JSON.stringify([error.message, error.hint, error.details]).includes(session), 'who knows it may write');
    t.is(proxy.count(kind.asks.complete), 1, 'it is not tried again');
    t.deepEqual(await listed(direct), []);
    t.deepEqual(await readdir(uploadsOf(place)), [], 'it is given up');
    proxy.forget();
    const facts = factsOf(await readFile(path));
    t.deepEqual(await storage.putFile(KEY, path), facts);
    t.is(proxy.count(kind.asks.part), PARTS);
    t.deepEqual(await direct.checksum(KEY), facts);
  },
  isGoogle,
);

for (const status of [410, 400]) {
  faultTest(
    `an upload whose session Google answers with ${status} begins anew`,
    async (t, place) => {
      const { kind, proxy, direct } = place;
      const { path, content } = await makeSource(place);
      const storage = await keeping(t, place, place.url);
      await interrupted(t, { ...place, storage }, path);
      proxy.when(asksHowFar, { answer: { status } });
      t.deepEqual(await storage.putFile(KEY, path), factsOf(content));
      t.is(proxy.count(kind.asks.part), PARTS);
      t.deepEqual(await direct.checksum(KEY), factsOf(content));
    },
    isGoogle,
  );
}

faultTest(
  'an upload to Google that was given up is not gone on with',
  async (t, place) => {
    const { kind, proxy } = place;
    const { path } = await makeSource(place);
    const storage = await keeping(t, place, place.url);
    proxy.when(kind.asks.part, { answer: kind.says.denied }, { nth: 2 });
    await rejectsWith(t, 'STORAGE_FAILED', storage.putFile(KEY, path));
    t.deepEqual(await readdir(uploadsOf(place)), []);
  },
  isGoogle,
);
