import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { freePort } from '../../helpers/free-port.ts';
import { factsOf, rejectsWith, storageContract, temporaryDirectory } from '../contract.ts';
import { FAKE_GCS, openGsAt, startFakeGcs, type GcsServer } from '../fake-gcs.ts';
import { listed } from '../listed.ts';

const test = FAKE_GCS === null ? anyTest.skip : anyTest;

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

// The server hashes all that it has of an object with each chunk that comes: large ones take it minutes.
const HOW = { links: 'REFERENCED', growing: 64 * 1024 ** 2 } as const;
if (FAKE_GCS !== null) storageContract('GCS', HOW, () => openGsAt(server, pool));

test('a file of many chunks comes back as it was', async (t) => {
  const work = await temporaryDirectory(t);
  const storage = await openGsAt(server, pool);
  // One that ends with a whole unit of 256 KiB, and one that does not.
  for (const size of [40 * 1024 ** 2, 40 * 1024 ** 2 + 7]) {
    const content = randomBytes(size);
    await writeFile(join(work, 'source'), content);
    const stored = await storage.putFile('c/n/b/big', join(work, 'source'));
    t.deepEqual(stored, factsOf(content));
    t.deepEqual(await storage.checksum('c/n/b/big'), stored);
    await storage.getFile('c/n/b/big', join(work, 'target'), stored);
    t.true(content.equals(await readFile(join(work, 'target'))));
  }
});

test('a listing of more than one page is whole', async (t) => {
  const storage = await openGsAt(server, pool);
  const names = Array.from({ length: 1100 }, (_, index) => String(index));
  const lane = async (): Promise<void> => {
    for (let n = names.pop(); n !== undefined; n = names.pop()) await storage.putDocument(`c/${n}/file`, n);
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  t.is((await listed(storage, 'c/')).length, 1100);
  t.is(new Set(await storage.folders('c/')).size, 1100);
  await storage.deleteFolder('c/');
  t.deepEqual(await listed(storage), []);
});

test('a folder that is moved is whole under its new name, also where the move was cut short', async (t) => {
  const storage = await openGsAt(server, pool);
  const keys = async (): Promise<string[]> => (await listed(storage)).map(({ key }) => key);
  for (const key of ['c/old/b/1', 'c/old/b/ü x/2']) await storage.putDocument(key, key);
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
  t.is(await storage.getDocument('c/new/b/ü x/2'), 'c/old/b/ü x/2');
  // As after a cut: one was not deleted yet.
  await storage.putDocument('c/old/b/1', 'c/old/b/1');
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
});

test('of those who make the same bucket at once all find it made', async (t) => {
  const bucket = `b-${randomUUID()}`;
  await t.notThrowsAsync(Promise.all(Array.from({ length: 8 }, () => openGsAt(server, pool, { bucket }))));
});

test('what is wrong with a place is said with what to change, in seconds', async (t) => {
  const missing = await rejectsWith(t, 'STORAGE_FAILED', openGsAt(server, pool, { options: '' }));
  t.regex(missing.message, /looking at gs:\/\/b-.*notFound \(404\)/);
  t.regex(missing.hint ?? '', /createBucket=true/);
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const unreachable = await rejectsWith(t, 'STORAGE_UNAVAILABLE', openGsAt({ endpoint }, pool, { patient: false }));
  t.regex(unreachable.hint ?? '', /endpoint/);
});
