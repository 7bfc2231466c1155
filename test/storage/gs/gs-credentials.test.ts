import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import anyTest from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { CredentialPlaces } from '../../../src/storage/credentials.ts';
import { parseGsLocation } from '../../../src/storage/gs/gs-location.ts';
import { findAccess } from '../../../src/storage/gs/gs-tokens.ts';
import { openGsStorage } from '../../../src/storage/gs/open-gs.ts';
import { MemoryBudget } from '../../../src/storage/objects/memory-budget.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { freePort } from '../../helpers/free-port.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { FAKE_GCS, startFakeGcs, type GcsServer } from '../fake-gcs.ts';
import { startFront, type Asked } from './front.ts';
import { startTokenServer } from './token-server.ts';

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

function openWith(endpoint: string, credentials: string, places: Partial<CredentialPlaces> = {}): Promise<Storage> {
  const query = `endpoint=${endpoint}&createBucket=true${credentials}`;
  return openGsStorage(parseGsLocation(`gs://b-${randomUUID()}/a?${query}`), {
    pool,
    memory: new MemoryBudget(64 * 1024 ** 2),
    clock: systemClock,
    create: true,
    patient: false,
    places: { env: {}, sandbox: '/nowhere', ...places },
  });
}

const REFUSED = {
  status: 401,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error: { code: 401, message: 'Invalid Credentials', errors: [{ reason: 'authError' }] } }),
};

function tokenOf({ headers }: Asked): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

test('a service account signs for a token, which lets all requests in, and makes buckets in its project', async (t) => {
  const tokens = await startTokenServer(t);
  const file = join(await temporaryDirectory(t), 'key.json');
  await writeFile(file, tokens.newKey());
  const projects: (string | null)[] = [];
  const { endpoint } = await startFront(t, server.endpoint, (asked) => {
    if (asked.url.pathname === '/storage/v1/b') projects.push(asked.url.searchParams.get('project'));
    return tokenOf(asked) === tokens.given.at(-1) ? null : REFUSED;
  });
  const storage = await openWith(endpoint, `&credentials=file:${file}`);
  await Promise.all(['1', '2', '3'].map((name) => storage.putDocument(`c/${name}`, name)));
  t.is(await storage.getDocument('c/2'), '2');
  t.deepEqual(tokens.given, ['token-0']);
  t.deepEqual(projects, ['project-1']);
});

test('credentials come by a variable, from the sandbox, or with the request', async (t) => {
  const tokens = await startTokenServer(t);
  const sandbox = await temporaryDirectory(t);
  const text = tokens.newKey();
  await writeFile(join(sandbox, 'gcs'), text);
  const { endpoint } = await startFront(t, server.endpoint, (asked) => (tokenOf(asked) ? null : REFUSED));
  await openWith(endpoint, '&credentials=env:GS_', { env: { GS_CREDENTIALS: text } });
  await openWith(endpoint, '&credentials=secret:gcs', { sandbox });
  await openWith(endpoint, '', { given: { CREDENTIALS: text } });
  t.is(tokens.given.length, 3);
});

test('a token that is about to expire is renewed', async (t) => {
  const tokens = await startTokenServer(t, 60);
  const seen = new Set<string | undefined>();
  const { endpoint } = await startFront(t, server.endpoint, (asked) => {
    seen.add(tokenOf(asked));
    return tokenOf(asked) === tokens.given.at(-1) ? null : REFUSED;
  });
  const storage = await openWith(endpoint, '&credentials=env:GS_', { env: { GS_CREDENTIALS: tokens.newKey() } });
  await storage.putDocument('c/1', 'x');
  t.is(await storage.getDocument('c/1'), 'x');
  t.true(tokens.given.length >= 3);
  t.deepEqual([...seen], tokens.given);
});

test('a key that is exchanged while a job runs is read again, once', async (t) => {
  const tokens = await startTokenServer(t);
  const file = join(await temporaryDirectory(t), 'key.json');
  await writeFile(file, tokens.newKey());
  let taken = ['token-0'];
  const { endpoint } = await startFront(t, server.endpoint, (asked) =>
    taken.includes(tokenOf(asked)!) ? null : REFUSED,
  );
  const storage = await openWith(endpoint, `&credentials=file:${file}`);
  await storage.putDocument('c/1', 'x');
  await writeFile(file, tokens.newKey());
  taken = ['token-1'];
  const read = await Promise.all(Array.from({ length: 8 }, () => storage.getDocument('c/1')));
  t.deepEqual(new Set(read), new Set(['x']));
  t.deepEqual(tokens.given, ['token-0', 'token-1']);
  taken = [];
  const error = await rejectsWith(t, 'STORAGE_FAILED', storage.getDocument('c/1'));
  t.regex(error.message, /authError \(401\): Invalid Credentials/);
  t.regex(error.hint ?? '', /credentials in the location/);
});

test('a key that is not taken, or no key at all, is said with what to change and without the key', async (t) => {
  const tokens = await startTokenServer(t);
  const old = tokens.newKey();
  tokens.newKey();
  const opening = (text: string) =>
    openWith(server.endpoint, '&credentials=env:GS_', { env: { GS_CREDENTIALS: text } });
  const refused = await rejectsWith(t, 'STORAGE_FAILED', opening(old));
  t.regex(refused.message, /invalid_grant \(400\): Invalid JWT Signature/);
  t.regex(refused.hint ?? '', /clock/);
  const account = JSON.parse(old) as Record<string, string>;
  for (const [text, expected] of [
    ['hidden', /Expected in the variables GS_… of the process JSON/],
    ['{"type":"hidden"}', /type: service_account or authorized_user or external_account/],
    [JSON.stringify({ ...account, client_email: undefined }), /client_email/],
    [JSON.stringify({ ...account, private_key: 'hidden' }), /private_key in PEM/],
    [JSON.stringify({ ...account, private_key: '-----BEGIN PRIVATE KEY-----hidden' }), /get a token for the store/],
  ] as const) {
    const error = await rejectsWith(t, 'STORAGE_FAILED', opening(text));
    t.regex(error.message, expected);
    t.notRegex(JSON.stringify([error.message, error.hint, error.stack, error.cause]), /hidden|BEGIN PRIVATE/);
  }
  const missing = await rejectsWith(t, 'STORAGE_FAILED', openWith(server.endpoint, '&credentials=env:NONE_'));
  t.regex(missing.message, /CREDENTIALS.*NONE_/);
  const nobody = JSON.stringify({ ...account, token_uri: `http://127.0.0.1:${await freePort()}/token` });
  const unreachable = await rejectsWith(t, 'STORAGE_UNAVAILABLE', opening(nobody));
  t.regex(unreachable.message, /get a token for the store by the variables GS_/);
});

test('what the token endpoint does not find is no missing object', async (t) => {
  const tokens = await startTokenServer(t, 60);
  const env = { GS_CREDENTIALS: tokens.newKey() };
  const storage = await openWith(server.endpoint, '&credentials=env:GS_', { env });
  await storage.putDocument('c/1', 'x');
  tokens.isGone = true;
  const error = await rejectsWith(t, 'STORAGE_FAILED', storage.getDocument('c/1'));
  t.regex(error.message, /not_found \(404\): .*get a token for the store by the variables GS_/);
  await rejectsWith(t, 'STORAGE_FAILED', storage.delete('c/1'));
});

test('what comes with a request cannot make the node read its own files', async (t) => {
  const text = JSON.stringify({
    type: 'external_account',
    audience: 'any',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: server.endpoint,
    credential_source: { file: '/etc/hostname' },
  });
  const given = { CREDENTIALS: text };
  const error = await rejectsWith(t, 'STORAGE_FAILED', openWith(server.endpoint, '', { given }));
  t.regex(error.message, /type: service_account or authorized_user$|type: service_account or authorized_user,/);
});

test("no token of Google's goes to a store that is not Google's, unless the location says so", async (t) => {
  const tokens = await startTokenServer(t);
  const file = join(await temporaryDirectory(t), 'key.json');
  await writeFile(file, tokens.newKey());
  const env = { GOOGLE_APPLICATION_CREDENTIALS: file };
  const { endpoint } = await startFront(t, server.endpoint, (asked) => (tokenOf(asked) === undefined ? null : REFUSED));
  await t.notThrowsAsync(openWith(endpoint, '', { env }));
  t.deepEqual(tokens.given, []);
  const places = { env, sandbox: '/nowhere' };
  for (const location of ['gs://bucket', 'gs://bucket?endpoint=https://restricted.googleapis.com']) {
    const access = await findAccess(parseGsLocation(location), places);
    t.is(await access.token(), tokens.given.at(-1)!);
    t.is(await access.project(), 'project-1');
  }
});

// Google's library looks for the metadata server once in a process.
anyTest("on Google's machines the metadata server gives the token", async (t) => {
  const metadata = createServer(({ url = '' }, response) => {
    response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' });
    if (url.includes('/token')) response.end('{"access_token":"of-the-machine","expires_in":3600}');
    else response.end(url.includes('project-id') ? '"project-2"' : '"any"');
  });
  metadata.listen(0, '127.0.0.1');
  await once(metadata, 'listening');
  t.teardown(() => {
    metadata.closeAllConnections();
    metadata.close();
  });
  process.env['GCE_METADATA_HOST'] = `127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  process.env['CLOUDSDK_CONFIG'] = await temporaryDirectory(t);
  const access = await findAccess(parseGsLocation('gs://bucket'), { env: {}, sandbox: '/nowhere' });
  t.is(await access.token(), 'of-the-machine');
});
