import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import anyTest from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { factsOf, rejectsWith, storageContract, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';
import { AZURITE, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;

let server: AzureServer;
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 'azure-test-'));

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

if (AZURITE !== null) storageContract('Azure', { links: 'REFERENCED' }, () => openAzureAt(server, pool));

test('a file of many parts comes back as it was', async (t) => {
  const work = await temporaryDirectory(t);
  const storage = await openAzureAt(server, pool);
  const content = randomBytes(20 * 1024 ** 2 + 7);
  await writeFile(join(work, 'source'), content);
  const stored = await storage.putFile('c/n/b/big', join(work, 'source'));
  t.deepEqual(stored, factsOf(content));
  t.deepEqual(await storage.checksum('c/n/b/big'), stored);
  await storage.getFile('c/n/b/big', join(work, 'target'), stored);
  t.true(content.equals(await readFile(join(work, 'target'))));
});

test('a folder that is moved is whole under its new name, also where the move was cut short', async (t) => {
  const storage = await openAzureAt(server, pool);
  const keys = async (): Promise<string[]> => (await listed(storage)).map(({ key }) => key);
  for (const key of ['c/old/b/1', 'c/old/b/ü x/2']) await storage.putDocument(key, key);
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
  t.is(await storage.getDocument('c/new/b/ü x/2'), 'c/old/b/ü x/2');
  t.false(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  // As after a cut: one was not deleted yet.
  await storage.putDocument('c/old/b/1', 'c/old/b/1');
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
});

test('a document that others replace all the time is read whole each time', async (t) => {
  const storage = await openAzureAt(server, pool);
  const texts = Array.from({ length: 40 }, (_, length) => 'x'.repeat(length + 1));
  await storage.putDocument('c/lock', 'x');
  const writing = (async () => {
    for (const text of texts) await storage.putDocument('c/lock', text);
  })();
  const reads = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const seen: (string | null)[] = [];
      for (let count = 0; count < 20; count += 1) seen.push(await storage.getDocument('c/lock'));
      return seen;
    }),
  );
  await writing;
  for (const seen of reads.flat()) t.regex(seen ?? 'gone', /^x+$/);
});

test('a sweep finds nothing to end, and what was never ended shows nowhere', async (t) => {
  const work = await temporaryDirectory(t);
  const storage = await openAzureAt(server, pool);
  await storage.putDocument('c/n/b/big', 'there before');
  await writeFile(join(work, 'source'), randomBytes(20 * 1024 ** 2));
  const controller = new AbortController();
  const onBytes = (): void => controller.abort(new Error('enough'));
  await t.throwsAsync(storage.putFile('c/n/b/big', join(work, 'source'), { signal: controller.signal, onBytes }), {
    message: 'enough',
  });
  const swept: string[] = [];
  const options = { before: Date.now() + 60_000, dryRun: false };
  for await (const { key } of storage.sweepUnfinished('c/', options)) swept.push(key);
  t.deepEqual(swept, []);
  t.is(await storage.getDocument('c/n/b/big'), 'there before');
});

test('a missing container is made for a backup where the location says so, by all nodes at once', async (t) => {
  const container = 'made-by-many';
  const missing = await rejectsWith(t, 'STORAGE_FAILED', openAzureAt(server, pool, { container, options: '' }));
  t.regex(missing.message, /looking at azure:\/\/made-by-many.*ContainerNotFound \(404\)/);
  t.regex(missing.hint ?? '', /createBucket=true/);
  const nodes = await Promise.all([1, 2, 3].map(() => openAzureAt(server, pool, { container })));
  t.is(nodes.length, 3);
  await t.notThrowsAsync(openAzureAt(server, pool, { container, options: '' }));
});
