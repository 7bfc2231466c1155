import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { startFaultProxy, type FaultProxy, type Match, type Reply } from '../../helpers/fault-proxy.ts';
import { AZURITE, AZURITE_ACCOUNT, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';
import { factsOf, rejectsWith, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;

let server: AzureServer;
const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'azure-copy-'));

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

async function placeBehind(t: ExecutionContext): Promise<{ proxy: FaultProxy; storage: Storage }> {
  const proxy = await startFaultProxy(t, new URL(server.endpoint).origin);
  const storage = await openAzureAt({ endpoint: `${proxy.url}/${AZURITE_ACCOUNT.name}` }, pool, { patient: false });
  return { proxy, storage };
}

const isCopy: Match = ({ method, headers }) => method === 'PUT' && headers['x-ms-copy-source'] !== undefined;
const isHead: Match = ({ method }) => method === 'HEAD';

/** What Azure says of a copy. */
function says(status: number, copyStatus: string, more: Record<string, string> = {}): Reply {
  return { status, headers: { etag: '"0x1"', 'x-ms-copy-id': '1', 'x-ms-copy-status': copyStatus, ...more } };
}

test('a blob of many blocks is copied within the store', async (t) => {
  const { storage } = await placeBehind(t);
  const content = randomBytes(20 * 1024 ** 2 + 7);
  const source = join(await temporaryDirectory(t), 'source');
  await writeFile(source, content);
  await storage.putFile('c/old/big', source);
  await storage.moveFolder('c/old/', 'c/new/');
  t.deepEqual(await storage.checksum('c/new/big'), factsOf(content));
});

test('a copy that takes its time is waited for', async (t) => {
  const { proxy, storage } = await placeBehind(t);
  await storage.putDocument('c/old/1', 'content');
  proxy.when(isCopy, { instead: says(202, 'pending') });
  const pending = proxy.when(isHead, { answer: says(200, 'pending', { 'x-ms-copy-progress': '1/7' }) });
  t.true(await storage.moveFolder('c/old/', 'c/new/'));
  t.is(pending.times, 1);
  t.is(await storage.getDocument('c/new/1'), 'content');
});

test('a copy that fails leaves nothing, and what was to be copied', async (t) => {
  const { proxy, storage } = await placeBehind(t);
  await storage.putDocument('c/old/1', 'content');
  proxy.when(isCopy, { instead: says(202, 'pending') });
  const why = { 'x-ms-copy-status-description': '500 InternalServerError' };
  proxy.when(isHead, { answer: says(200, 'failed', { ...why, etag: '*' }) });
  const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.moveFolder('c/old/', 'c/new/'));
  t.regex(error.message, /500 InternalServerError/);
  t.deepEqual(
    (await listed(storage)).map(({ key }) => key),
    ['c/old/1'],
  );
});
