import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import anyTest from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { parseAzureLocation } from '../../../src/storage/azure/azure-location.ts';
import { openAzureStorage } from '../../../src/storage/azure/open-azure.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { CredentialPlaces } from '../../../src/storage/credentials.ts';
import { MemoryBudget } from '../../../src/storage/objects/memory-budget.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { AZURITE, AZURITE_ACCOUNT, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';
import { startFaultProxy, type Match, type Reply } from '../../helpers/fault-proxy.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;

let server: AzureServer;
const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'azure-credentials-'));
const { name, key } = AZURITE_ACCOUNT;

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

/** `query`: of the location, beside its endpoint. */
function openWith(
  query: string,
  places: Partial<CredentialPlaces> = {},
  container = `c-${randomUUID()}`,
): Promise<Storage> {
  return openAzureStorage(parseAzureLocation(`azure://${container}/a?createBucket=true${query}`), {
    pool,
    memory: new MemoryBudget(64 * 1024 ** 2),
    clock: systemClock,
    create: true,
    patient: false,
    places: { env: {}, sandbox: '/nowhere', ...places },
  });
}

/** For a container that is there, and everything in it. */
function newSas(containerName: string, identifier = 1): string {
  const permissions = ContainerSASPermissions.parse('racwdl');
  const expiresOn = new Date(Date.now() + identifier * 3_600_000);
  return generateBlobSASQueryParameters(
    { containerName, permissions, expiresOn },
    new StorageSharedKeyCredential(name, key),
  ).toString();
}

async function isLetIn(storage: Storage): Promise<boolean> {
  await storage.putDocument('c/old/1', 'content');
  await storage.moveFolder('c/old/', 'c/new/');
  const keys = (await listed(storage)).map((entry) => entry.key);
  const isThere = (await storage.getDocument('c/new/1')) === 'content';
  await storage.deleteFolder('c/new/');
  return isThere && keys.join() === 'c/new/1' && (await listed(storage)).length === 0;
}

test('a connection string, a key and a SAS each let in, wherever they are', async (t) => {
  const container = `c-${randomUUID()}`;
  await openAzureAt(server, pool, { container });
  const sandbox = await temporaryDirectory(t);
  const connection = `DefaultEndpointsProtocol=http;AccountName=${name};AccountKey=${key};BlobEndpoint=${server.endpoint};`;
  const sas = newSas(container);
  await writeFile(join(sandbox, 'connection'), `AZURE_STORAGE_CONNECTION_STRING="${connection}"\n`);
  await writeFile(join(sandbox, 'key'), `account_name = ${name}\naccount_key = ${key}\n`);
  await writeFile(join(sandbox, 'sas'), `export AZURE_STORAGE_SAS_TOKEN='?${sas}'\n`);
  const at = `&endpoint=${server.endpoint}`;
  const usual = { AZURE_STORAGE_ACCOUNT: name, AZURE_STORAGE_KEY: key };
  const ways: [string, string, Partial<CredentialPlaces>][] = [
    ['a connection string in a file', `&credentials=file:${join(sandbox, 'connection')}`, {}],
    ['a connection string with the request', '', { given: { CONNECTION_STRING: connection } }],
    ['a connection string in the usual variable', '', { env: { AZURE_STORAGE_CONNECTION_STRING: connection } }],
    ['a key in the sandbox', `${at}&credentials=secret:key`, { sandbox }],
    ['a key in variables', `${at}&credentials=env:B_`, { env: { B_ACCOUNT_KEY: key } }],
    ['a key in the usual variables', at, { env: usual }],
    ['a SAS in a file', `${at}&credentials=file:${join(sandbox, 'sas')}`, {}],
    ['a SAS with the request', `${at}&account=${name}`, { given: { SAS: sas } }],
  ];
  for (const [what, query, places] of ways) t.true(await isLetIn(await openWith(query, places, container)), what);
});

anyTest('a SAS or token of the host itself goes to Azure alone', async (t) => {
  const env = { AZURE_STORAGE_SAS_TOKEN: 'sig=hidden' };
  for (const endpoint of ['https://127.0.0.1:1/account1', 'https://core.windows.net.example/account1']) {
    const error = await rejectsWith(t, 'STORAGE_FAILED', openWith(`&endpoint=${endpoint}`, { env }));
    t.regex(error.message, /an endpoint that is not Azure's/);
    t.regex(error.hint ?? '', /credentials=file:/);
  }
});

const REFUSED: Reply = {
  status: 403,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthenticationFailed' },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.
RequestId:1</Message><AuthenticationErrorDetail>Signature not valid in the specified time frame: Expiry [then]</AuthenticationErrorDetail></Error>`,
};

test('a SAS that expires in the middle of a job is exchanged for the one that is in its file now', async (t) => {
  const container = `c-${randomUUID()}`;
  await openAzureAt(server, pool, { container });
  const file = join(await temporaryDirectory(t), 'sas');
  const [first, second] = [newSas(container, 1), newSas(container, 2)];
  await writeFile(file, `sas = ${first}\n`);
  const proxy = await startFaultProxy(t, new URL(server.endpoint).origin);
  const storage = await openWith(`&endpoint=${proxy.url}/${name}&credentials=file:${file}`, {}, container);
  await storage.putDocument('c/0', 'before');
  const isFirst: Match = ({ query }) => query.get('sig') === new URLSearchParams(first).get('sig');
  proxy.when(isFirst, { answer: REFUSED }, { times: Infinity });
  proxy.forget();
  const error = await rejectsWith(t, 'STORAGE_FAILED', storage.putDocument('c/1', 'content'));
  t.regex(error.message, /AuthenticationFailed \(403\): Server failed.* Signature not valid in .*Expiry \[then\]$/);
  t.regex(error.hint ?? '', /credentials/);
  t.is(proxy.count(isFirst), 2);
  await writeFile(file, `sas = ${second}\n`);
  await Promise.all(['1', '2', '3', '4'].map((each) => storage.putDocument(`c/${each}`, each)));
  t.is(await storage.getDocument('c/3'), '3');
  t.is((await listed(storage)).length, 5);
  t.true(proxy.count(isFirst) <= 2 + 4, 'each is refused once at most');
});

for (const [what, query, given, message, hint] of [
  ['nothing', '', {}, /CONNECTION_STRING, ACCOUNT_KEY, SAS, or CLIENT_ID.* in the request/, /./],
  ['a key and a SAS', '', { ACCOUNT_KEY: 'hidden', SAS: 'hidden' }, /found ACCOUNT_KEY and SAS in the request/, /one/],
  [
    'a connection string and a key',
    '',
    { CONNECTION_STRING: 'hidden', ACCOUNT_KEY: 'hidden' },
    /found CONNECTION_STRING and ACCOUNT_KEY/,
    /one/,
  ],
  [
    'what is no connection string',
    '',
    { CONNECTION_STRING: 'hidden' },
    /AccountName=….* in the request/,
    /Access keys/,
  ],
  ['half a service principal', '', { CLIENT_ID: 'a', CLIENT_SECRET: 'hidden' }, /TENANT_ID and CLIENT_SECRET/, /./],
  ['a key of nobody', '', { ACCOUNT_KEY: 'hidden' }, /the storage account/, /account=name/],
  [
    'a key of another account',
    '&account=mine',
    { CONNECTION_STRING: 'AccountName=other;AccountKey=hidden' },
    /account mine in the location and other in the request/,
    /account/,
  ],
] as const) {
  anyTest(`${what} lets nobody in, and the error says what to change without any value`, async (t) => {
    const error = await rejectsWith(t, 'STORAGE_FAILED', openWith(query, { given }));
    t.regex(error.message, message);
    t.regex(error.hint ?? '', hint);
    t.notRegex(`${error.message} ${error.hint}`, /hidden/);
  });
}
