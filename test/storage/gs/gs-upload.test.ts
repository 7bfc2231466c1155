import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { Storage, StoredFile } from '../../../src/storage/storage.ts';
import { factsOf, rejectsWith, temporaryDirectory } from '../contract.ts';
import { FAKE_GCS, openGsAt, startFakeGcs, type GcsServer } from '../fake-gcs.ts';
import { listed } from '../listed.ts';
import { startFront, type Asked, type Meddling } from './front.ts';

const test = FAKE_GCS === null ? anyTest.skip : anyTest;

const MIB = 1024 ** 2;
const CHUNK = 8 * MIB;
/** Two whole chunks and a bit. */
const content = randomBytes(2 * CHUNK + 300_000);

let server: GcsServer;
const pool = createCopyPool();

anyTest.before(async () => {
  if (FAKE_GCS === null) return;
  server = await startFakeGcs(null);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
});

/** A place in the real server behind a front that meddles with chunks; `content` is ready to be put there. */
async function placeBehind(
  t: ExecutionContext,
  meddle: (chunk: Asked, range: string) => Meddling | null,
): Promise<{ storage: Storage; put: () => Promise<StoredFile> }> {
  const { endpoint } = await startFront(t, server.endpoint, (asked) => {
    const range = asked.headers['content-range'];
    return range === undefined ? null : meddle(asked, range);
  });
  const source = join(await temporaryDirectory(t), 'source');
  await writeFile(source, content);
  const storage = await openGsAt({ endpoint }, pool);
  return { storage, put: () => storage.putFile('c/n/b/big', source) };
}

/** Says so of the first alone. */
function once(is: (range: string) => boolean): (range: string) => boolean {
  let left = 1;
  return (range) => is(range) && left-- > 0;
}

test('a session whose connection breaks goes on with the chunk that it was at', async (t) => {
  const ranges: string[] = [];
  const isCut = once((range) => range.startsWith(`bytes ${CHUNK}-`));
  const { storage, put } = await placeBehind(t, (_, range) => {
    ranges.push(range);
    return isCut(range) ? 'cut' : null;
  });
  t.deepEqual(await put(), factsOf(content));
  t.deepEqual(await storage.checksum('c/n/b/big'), factsOf(content));
  const [first, second, again] = ranges;
  t.is(first, `bytes 0-${CHUNK - 1}/*`);
  t.is(second, again);
});

test('a session of which the store has kept but the beginning goes on there', async (t) => {
  const KEPT = 5 * MIB;
  const isHalf = once((range) => range.startsWith(`bytes ${CHUNK}-`));
  const ranges: string[] = [];
  const { storage, put } = await placeBehind(t, (chunk, range) => {
    ranges.push(range);
    if (!isHalf(range)) return null;
    const headers = { ...chunk.headers, 'content-range': `bytes ${CHUNK}-${CHUNK + KEPT - 1}/*` };
    return { ...chunk, headers, body: chunk.body.subarray(0, KEPT) };
  });
  t.deepEqual(await put(), factsOf(content));
  t.deepEqual(await storage.checksum('c/n/b/big'), factsOf(content));
  t.is(ranges[2], `bytes ${CHUNK + KEPT}-${2 * CHUNK - 1}/*`);
});

test('an object whose last answer was lost is found to be whole', async (t) => {
  const isLost = once((range) => !range.endsWith('/*'));
  const { storage, put } = await placeBehind(t, (_, range) => (isLost(range) ? 'lost' : null));
  t.deepEqual(await put(), factsOf(content));
  t.deepEqual(await storage.checksum('c/n/b/big'), factsOf(content));
});

test('a session that the store has forgotten is an error, and what lies there of earlier stays', async (t) => {
  const { storage, put } = await placeBehind(t, (_, range) => (range.endsWith('/*') ? null : { status: 410 }));
  await storage.putDocument('c/n/b/big', 'earlier');
  const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', put());
  t.regex(error.message, /c\/n\/b\/big: its session has ended/);
  t.is(await storage.getDocument('c/n/b/big'), 'earlier');
});

test('an object that became another on its way is deleted, and never counts as stored', async (t) => {
  const { storage, put } = await placeBehind(t, (chunk, range) => {
    if (!range.startsWith('bytes 0-')) return null;
    const body = Buffer.from(chunk.body);
    body[1000] = ~body[1000]!;
    return { ...chunk, body };
  });
  const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', put());
  t.regex(error.message, /storing gs:.*c\/n\/b\/big.*CRC-32C/);
  t.deepEqual(await listed(storage), []);
});

test('a chunk that the store has no time for is sent again', async (t) => {
  const isBusy = once((range) => range.startsWith('bytes 0-'));
  const busy = { status: 503, headers: { 'retry-after': '0' }, body: '{"error":{"message":"busy"}}' };
  const { storage, put } = await placeBehind(t, (_, range) => (isBusy(range) ? busy : null));
  t.deepEqual(await put(), factsOf(content));
  t.is((await listed(storage)).length, 1);
});
