import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { parseAzureLocation } from '../../../src/storage/azure/azure-location.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { startFaultProxy } from '../../helpers/fault-proxy.ts';
import { AZURITE, AZURITE_ACCOUNT, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';
import { temporaryDirectory } from '../contract.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 'azure-protection-test-'));
let server: AzureServer;

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

const parse = (query: string) => parseAzureLocation(`azure://container/prefix?${query}`);

anyTest('a location says in which tier and by whose key blobs are kept', (t) => {
  t.like(parse('accessTier=Cool&encryptionScope=backups'), { accessTier: 'Cool', encryptionScope: 'backups' });
  t.like(parse('account=backups'), { accessTier: null, encryptionScope: null });
  t.throws(() => parse('accessTier=Archive'), { message: /accessTier: one of Hot, Cool, Cold/ });
  t.throws(() => parse('encryptionScope=a_b'), { message: /encryptionScope: a scope of 3 to 63/ });
});

test('each blob is sent with what the location says, whether whole, in blocks or as a copy', async (t) => {
  const work = await temporaryDirectory(t);
  const proxy = await startFaultProxy(t, new URL(server.endpoint).origin);
  const endpoint = `${proxy.url}/${AZURITE_ACCOUNT.name}`;
  const options = '&createBucket=true&accessTier=Cool&encryptionScope=backups';
  const storage = await openAzureAt({ endpoint }, pool, { options });
  await writeFile(join(work, 'small'), 'small');
  await writeFile(join(work, 'big'), randomBytes(9 * 1024 ** 2));
  await storage.putFile('c/n/b/ks/t/small', join(work, 'small'));
  await storage.putFile('c/n/b/ks/t/big', join(work, 'big'));
  await storage.putDocument('c/n/b/manifest.json', 'document');
  await storage.moveFolder('c/n/b/', 'c/m/b/');
  const put = proxy.seen.filter(({ method, path }) => method === 'PUT' && path.includes('/a/prefix/'));
  const blocks = put.filter(({ query }) => query.get('comp') === 'block');
  const blobs = put.filter(({ query }) => query.get('comp') !== 'block');
  t.deepEqual([blocks.length, blobs.length], [2, 6]);
  for (const { headers, path } of blobs) {
    // A document is replaced again and again, which a cool tier charges for.
    t.is(headers['x-ms-access-tier'], path.endsWith('/manifest.json') ? undefined : 'Cool');
  }
  for (const { headers } of put.filter((request) => !('x-ms-copy-source' in request.headers))) {
    t.is(headers['x-ms-encryption-scope'], 'backups');
  }
});
