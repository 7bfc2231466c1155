import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../../src/errors.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { parseGsLocation } from '../../../src/storage/gs/gs-location.ts';
import { findAccess } from '../../../src/storage/gs/gs-tokens.ts';
import { freePort } from '../../helpers/free-port.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { openGsAt } from '../fake-gcs.ts';
import { startFront } from './front.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** A store that answers each request with the next of these, and the last of them from then on. */
async function storeThatSays(t: ExecutionContext, answers: Answer[]): Promise<{ endpoint: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    request.resume();
    const { status, headers, body } = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, headers).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function said(status: number, reason: string, message: string): Answer {
  return { status, body: JSON.stringify({ error: { code: status, message, errors: [{ reason, message }] } }) };
}

const CASES: [string, Answer, ErrorCode, RegExp, RegExp][] = [
  [
    'a missing permission',
    said(403, 'forbidden', "me@p does not have storage.objects.list access. Permission 'storage.objects.list' denied."),
    'STORAGE_FAILED',
    /forbidden \(403\): .*storage\.objects\.list/,
    /Storage Object Admin/,
  ],
  [
    'a missing bucket',
    said(404, 'notFound', 'The specified bucket does not exist.'),
    'STORAGE_FAILED',
    /404/,
    /createBucket/,
  ],
  ['credentials that are not taken', said(401, 'required', 'Login Required.'), 'STORAGE_FAILED', /401/, /credentials/],
  [
    'a disabled account',
    said(403, 'accountDisabled', 'It is disabled.'),
    'STORAGE_FAILED',
    /accountDisabled/,
    /billing/,
  ],
  ['a quota that is used up', said(403, 'quotaExceeded', 'No more.'), 'NO_SPACE', /quotaExceeded/, /make room/],
  ['a full store', { status: 507, body: 'Insufficient Storage' }, 'NO_SPACE', /\(507\): Insufficient Storage/, /^$/],
  [
    'an error in XML',
    {
      status: 403,
      body: "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access denied.</Message></Error>",
    },
    'STORAGE_FAILED',
    /AccessDenied \(403\): Access denied\./,
    /roles\/storage\.objectAdmin/,
  ],
  ['a web page', { status: 200, body: '<html>welcome</html>' }, 'STORAGE_FAILED', /no JSON/, /endpoint/],
];

for (const [what, answer, code, message, hint] of CASES) {
  test(`${what} fails at once, in the store's words and with what to change`, async (t) => {
    const { endpoint, asked } = await storeThatSays(t, [answer]);
    const error = await rejectsWith(t, code, openGsAt({ endpoint }, pool, { options: '' }));
    t.regex(error.message, message);
    t.regex(error.message, /looking at gs:\/\/b-/);
    t.regex(error.hint ?? '', hint);
    t.is(asked.length, 1);
  });
}

for (const [what, answer] of [
  ['busy', { status: 503, headers: { 'retry-after': '0' }, body: '' }],
  ['asked too often', { status: 429, headers: { 'retry-after': '0' }, body: '' }],
  ['asked too often by one account', { ...said(403, 'rateLimitExceeded', 'slower'), headers: { 'retry-after': '0' } }],
] as const) {
  test(`a store that is ${what} for a moment is asked again when it wants to be`, async (t) => {
    const { endpoint, asked } = await storeThatSays(t, [answer, answer, { status: 200, body: '{}' }]);
    await t.notThrowsAsync(openGsAt({ endpoint }, pool, { options: '' }));
    t.is(asked.length, 3);
  });
}

test('a large object is copied for as long as the store asks for it', async (t) => {
  const copies: URL[] = [];
  const items = [{ name: 'a/prefix/c/old/big', size: '1', timeCreated: '2026-01-01T00:00:00Z' }];
  const { endpoint } = await startFront(t, 'http://127.0.0.1', ({ method, url }) => {
    if (method === 'DELETE') return { status: 204 };
    if (url.pathname.includes('/rewriteTo/')) {
      copies.push(url);
      const done = copies.length === 3;
      return { status: 200, body: JSON.stringify(done ? { done } : { done, rewriteToken: `so far ${copies.length}` }) };
    }
    const isOld = url.searchParams.get('prefix') === 'a/prefix/c/old/';
    return { status: 200, body: JSON.stringify(isOld ? { items } : {}) };
  });
  const storage = await openGsAt({ endpoint }, pool, { options: '' });
  t.true(await storage.moveFolder('c/old/', 'c/new/'));
  const target = /\/o\/a%2Fprefix%2Fc%2Fold%2Fbig\/rewriteTo\/b\/b-[^/]+\/o\/a%2Fprefix%2Fc%2Fnew%2Fbig$/;
  for (const { pathname } of copies) t.regex(pathname, target);
  t.deepEqual(
    copies.map(({ searchParams }) => searchParams.get('rewriteToken')),
    [null, 'so far 1', 'so far 2'],
  );
});

test('where Google has left no credentials it is said in seconds what to do', async (t) => {
  process.env['GCE_METADATA_HOST'] = `127.0.0.1:${await freePort()}`;
  process.env['CLOUDSDK_CONFIG'] = await temporaryDirectory(t);
  const finding = findAccess(parseGsLocation('gs://bucket'), { env: {}, sandbox: '/nowhere' });
  const error = await rejectsWith(t, 'STORAGE_FAILED', finding);
  t.regex(error.hint ?? '', /credentials=file:\/path/);
});
