import { crc32 } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { OperatorError } from '../../../src/errors.ts';
import { AzureClient } from '../../../src/storage/azure/azure-client.ts';
import { parseAzureLocation } from '../../../src/storage/azure/azure-location.ts';
import { AzureStore } from '../../../src/storage/azure/azure-store.ts';
import { blockId } from '../../../src/storage/azure/azure-upload.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { networkAgents } from '../../../src/storage/network.ts';
import { AZURITE, AZURITE_ENV, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;

const MIB = 1024 ** 2;
let server: AzureServer;
const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'azure-upload-'));

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The store itself, and nobody who tries again. */
async function openStore(container: string): Promise<AzureStore> {
  const location = parseAzureLocation(`azure://${container}/a?endpoint=${server.endpoint}&credentials=env:AZ_`);
  const agents = await networkAgents(location.network, {});
  const places = { env: AZURITE_ENV, sandbox: '/nowhere' };
  const store = new AzureStore(location, new AzureClient(location, { places, agents, patient: false }), systemClock);
  return store;
}

anyTest('names of blocks are of one length, and tell their content', (t) => {
  const ids = [
    { index: 0, bytes: 8 * MIB, crc32: 0 },
    { index: 0, bytes: 8 * MIB, crc32: 0xffff_ffff },
    { index: 49_999, bytes: 1, crc32: 1 },
    { index: 49_999, bytes: 4000 * MIB, crc32: 1 },
  ].map(blockId);
  t.is(new Set(ids).size, 4);
  for (const id of ids) t.is(Buffer.from(id, 'base64').length, 12);
});

test('of two that write the same blob the one whose blocks are gone is told to start again', async (t) => {
  await openAzureAt(server, pool, { container: 'contended' });
  const store = await openStore('contended');
  const { signal } = new AbortController();
  const body = randomBytes(1000);
  const part = { index: 0, begin: 0, body, crc32: crc32(body), isLast: true };
  const how = { partBytes: 1000, firstCrc32: part.crc32, signal };
  const upload = await store.beginUpload('k', how);
  await upload.send(part, signal);
  const others = { ...part, body: randomBytes(1000), crc32: 1 };
  const another = await store.beginUpload('k', how);
  await another.send(others, signal);
  await another.complete(signal);
  const error = await t.throwsAsync(upload.complete(signal));
  const failure = store.explain(error, 'storing k');
  t.false(failure.passing);
  t.true(failure.error instanceof OperatorError && failure.error.retryable);
  const again = await store.beginUpload('k', how);
  t.false(again.holds({ index: 0, crc32: part.crc32, bytes: 1000 }));
  await again.send(part, signal);
  await again.complete(signal);
  // Its answer was lost.
  await again.complete(signal);
  t.is((await store.head('k'))?.size, 1000);
});
