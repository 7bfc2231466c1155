import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { parseAzureLocation, type AzureLocation } from '../../../src/storage/azure/azure-location.ts';
import { openAzureStorage } from '../../../src/storage/azure/open-azure.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { CredentialPlaces } from '../../../src/storage/credentials.ts';
import { MemoryBudget } from '../../../src/storage/objects/memory-budget.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { freePort } from '../../helpers/free-port.ts';
import { AZURITE, startAzurite, type AzureServer } from '../azurite.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';
import { PRINCIPAL, startTokenAuthority, type TokenAuthority } from './token-authority.ts';

const test = AZURITE === null ? anyTest.serial.skip : anyTest.serial;

let authority: TokenAuthority;
let server: AzureServer;
const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'azure-principal-'));
const ends: (() => unknown)[] = [];

anyTest.before(async () => {
  if (AZURITE === null) return;
  authority = await startTokenAuthority({ teardown: (end) => void ends.push(end) });
  const tls = ['--oauth', 'basic', '--cert', authority.certificateFile, '--key', authority.keyFile];
  server = await startAzurite(directory, tls);
});

anyTest.after.always(async () => {
  await server?.stop();
  for (const end of ends.toReversed()) await end();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

/** As a service principal, for a store that lets in who has a token. */
async function open(t: ExecutionContext, principal: Partial<typeof PRINCIPAL> = {}): Promise<Storage> {
  const file = join(await temporaryDirectory(t), 'principal');
  const names = { ...PRINCIPAL, AUTHORITY_HOST: authority.url, ...principal };
  const lines = Object.entries(names).map(([name, value]) => `AZURE_${name}=${value}\n`);
  await writeFile(file, lines.join(''));
  const location = parseAzureLocation(
    `azure://c-${randomUUID()}/a?endpoint=${server.endpoint}&credentials=file:${file}&caFile=${authority.certificateFile}&createBucket=true`,
  );
  return openWith(location);
}

function openWith(location: AzureLocation, places: Partial<CredentialPlaces> = {}): Promise<Storage> {
  return openAzureStorage(location, {
    pool,
    memory: new MemoryBudget(64 * 1024 ** 2),
    clock: systemClock,
    create: true,
    patient: false,
    places: { env: {}, sandbox: '/nowhere', ...places },
  });
}

test('a service principal is let in with one token for all requests, and copies', async (t) => {
  authority.given = 0;
  const storage = await open(t);
  await Promise.all(['1', '2', '3'].map((name) => storage.putDocument(`c/old/${name}`, name)));
  await storage.moveFolder('c/old/', 'c/new/');
  t.is(await storage.getDocument('c/new/2'), '2');
  t.deepEqual(
    (await listed(storage)).map(({ key }) => key),
    ['c/new/1', 'c/new/2', 'c/new/3'],
  );
  t.is(authority.given, 1);
});

test('a token that the store takes no more is exchanged for another', async (t) => {
  authority.given = 0;
  authority.lifetimes.push(-1);
  await t.notThrowsAsync(open(t));
  t.is(authority.given, 2);
  authority.lifetimes.push(-1, -1);
  const error = await rejectsWith(t, 'STORAGE_FAILED', open(t));
  t.regex(error.message, /AuthenticationFailed \(403\).*Lifetime validation failed/);
  t.is(authority.given, 4);
});

test('a wrong secret is said in the words of who gives tokens, and not told', async (t) => {
  const error = await rejectsWith(t, 'STORAGE_FAILED', open(t, { CLIENT_SECRET: 'hidden' }));
  t.regex(error.message, /AADSTS7000215/);
  t.regex(error.hint ?? '', /CLIENT_SECRET/);
  t.notRegex(`${error.message} ${error.hint}`, /hidden/);
});

anyTest('a tenant whose tokens nobody gives is said in seconds', async (t) => {
  const given = { ...PRINCIPAL, CLIENT_SECRET: 'hidden', AUTHORITY_HOST: `https://127.0.0.1:${await freePort()}` };
  const location = parseAzureLocation('azure://container/a?endpoint=https://127.0.0.1:1/account1');
  const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', openWith(location, { given }));
  t.regex(error.message, /^looking at azure:\/\/container\/a.*: no token for the store/);
  t.regex(error.hint ?? '', /AUTHORITY_HOST/);
  t.notRegex(`${error.message} ${error.hint}`, /hidden/);
});

anyTest('a token is sent over TLS alone', async (t) => {
  const location = parseAzureLocation('azure://container/a?endpoint=http://127.0.0.1:1/account1');
  const error = await rejectsWith(t, 'STORAGE_FAILED', openWith(location, { given: PRINCIPAL }));
  t.regex(error.hint ?? '', /https/);
});
