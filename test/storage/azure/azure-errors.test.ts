import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../../src/errors.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { freePort } from '../../helpers/free-port.ts';
import { AZURITE, openAzureAt, startAzurite, type AzureServer } from '../azurite.ts';
import { rejectsWith } from '../contract.ts';

const test = AZURITE === null ? anyTest.skip : anyTest;

let server: AzureServer;
const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'azure-errors-'));

anyTest.before(async () => {
  if (AZURITE !== null) server = await startAzurite(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a wrong key is said, and not told', async (t) => {
  const hidden = Buffer.from('hidden').toString('base64');
  const opening = openAzureAt(server, pool, { env: { AZ_ACCOUNT_KEY: hidden } });
  const error = await rejectsWith(t, 'STORAGE_FAILED', opening);
  t.regex(error.message, /^looking at azure:\/\/.* \(403\): Server failed to authenticate the request/);
  t.regex(error.hint ?? '', /credentials.*in the location/);
  t.false(`${error.message} ${error.hint}`.includes(hidden));
});

test('another account is said', async (t) => {
  const endpoint = server.endpoint.replace(/\/\w+$/, '/another');
  const error = await rejectsWith(t, 'STORAGE_FAILED', openAzureAt({ endpoint }, pool));
  t.regex(error.hint ?? '', /account or endpoint/);
});

anyTest('a store that is not there is said in seconds', async (t) => {
  const endpoint = `http://127.0.0.1:${await freePort()}/account1`;
  const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', openAzureAt({ endpoint }, pool, { patient: false }));
  t.regex(error.message, /ECONNREFUSED/);
  t.regex(error.hint ?? '', /endpoint/);
});

/** A store that gives one and the same answer. */
async function answering(
  t: ExecutionContext,
  status: number,
  headers: Record<string, string>,
  body: string,
): Promise<{ endpoint: string; asked: () => number }> {
  let asked = 0;
  const store = createServer((request, response) => {
    request.resume();
    asked += 1;
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body);
  });
  store.listen(0, '127.0.0.1');
  await once(store, 'listening');
  t.teardown(() => {
    store.closeAllConnections();
    store.close();
  });
  return { endpoint: `http://127.0.0.1:${(store.address() as AddressInfo).port}/account1`, asked: () => asked };
}

const ANSWERS: [status: number, code: string, expected: ErrorCode, hint: RegExp, tries: number][] = [
  [404, 'ContainerNotFound', 'STORAGE_FAILED', /createBucket=true/, 1],
  [403, 'AuthenticationFailed', 'STORAGE_FAILED', /key was exchanged or the SAS has expired/, 2],
  [401, 'InvalidAuthenticationInfo', 'STORAGE_FAILED', /credentials/, 2],
  [403, 'AuthorizationPermissionMismatch', 'STORAGE_FAILED', /Storage Blob Data Contributor/, 1],
  [403, 'KeyBasedAuthenticationNotPermitted', 'STORAGE_FAILED', /service principal/, 1],
  [403, 'AccountIsDisabled', 'STORAGE_FAILED', /disabled/, 1],
  [400, 'AccountRequiresHttps', 'STORAGE_FAILED', /https only.*endpoint/, 1],
  [507, 'InsufficientStorage', 'NO_SPACE', /^$/, 1],
  [503, 'ServerBusy', 'STORAGE_UNAVAILABLE', /fewer nodes/, 2],
  [500, 'OperationTimedOut', 'STORAGE_UNAVAILABLE', /^$/, 2],
  [429, 'TooManyRequests', 'STORAGE_UNAVAILABLE', /^$/, 2],
];

for (const [status, code, expected, hint, tries] of ANSWERS) {
  anyTest(`${code} is told in the store's own words, and tried again only where it may pass`, async (t) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Own words.\nRequestId:1\nTime:now</Message></Error>`;
    const store = await answering(t, status, { 'x-ms-error-code': code, 'retry-after': '0' }, body);
    const error = await rejectsWith(t, expected, openAzureAt(store, pool, { patient: false, options: '' }));
    t.regex(error.message, new RegExp(`: ${code} \\(${status}\\): Own words\\.$`));
    t.regex(error.hint ?? '', hint);
    t.is(store.asked(), tries);
  });
}

anyTest('what listens there and is not Azure is told as such', async (t) => {
  for (const type of ['application/xml', 'text/plain']) {
    const store = await answering(t, 404, { 'content-type': type }, 'Not Found');
    const error = await rejectsWith(t, 'STORAGE_FAILED', openAzureAt(store, pool, { patient: false, options: '' }));
    t.regex(error.hint ?? '', /does not answer as Azure does: check endpoint/, `${type}: ${error.message}`);
  }
});

anyTest('a clock that is wrong is said', async (t) => {
  const headers = { 'x-ms-error-code': 'AuthenticationFailed', date: new Date(Date.now() - 3_600_000).toUTCString() };
  const store = await answering(
    t,
    403,
    headers,
    '<Error><Code>AuthenticationFailed</Code><Message>No.</Message></Error>',
  );
  const error = await rejectsWith(t, 'STORAGE_FAILED', openAzureAt(store, pool, { patient: false }));
  t.regex(error.hint ?? '', /clock of this host/);
});

anyTest('what is no answer of Azure is no empty listing', async (t) => {
  for (const body of ['', '<html>Welcome</html>', '<EnumerationResults><Blobs><Blob><Name>a']) {
    const store = await answering(t, 200, {}, body);
    const opening = openAzureAt(store, pool, { patient: false });
    const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', opening);
    t.regex(error.message, /^looking/, body);
  }
});
