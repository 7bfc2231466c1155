import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import test from 'ava';
import { pino } from 'pino';
import type { OperatorError } from '../../../src/errors.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { hideSecrets } from '../../../src/storage/objects/hide-secrets.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { rejectsWith } from '../contract.ts';

const pool = createCopyPool(1);
test.after.always(() => pool.close());

const PAGES: [string, (url: string) => string][] = [
  ['text/html', (url) => `<html>The URL http://store${url} was refused.</html>`],
  ['application/xml', (url) => `<Error><Code>No</Code><Message>${url.replaceAll('&', '&amp;')}</Message></Error>`],
  ['text/plain', (url) => `cannot reach http://store${url}\nsaid the proxy`],
];

for (const [type, page] of PAGES) {
  test(`a page of ${type} that repeats a request tells its SAS to nobody`, async (t) => {
    const server = createServer((request: IncomingMessage, response) => {
      response.writeHead(403, { 'content-type': type }).end(page(request.url ?? ''));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const endpoint = encodeURIComponent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const opening = openStorage(`azure://backups/a?endpoint=${endpoint}&account=us0&credentials=env:A_`, {
      pool,
      baseDirectory: '/nowhere',
      create: false,
      env: { A_SAS: '?sv=2025-01-05&sp=racwdl&sig=MY+SECRET/SIGNATURE%3D' },
      patient: false,
    });
    const error: OperatorError = await rejectsWith(t, 'STORAGE_FAILED', opening);
    const lines: string[] = [];
    pino({}, { write: (line) => void lines.push(line) }).warn({ err: error });
    for (const told of [error.message, ...lines, inspect((error.cause as Error).stack)]) {
      t.notRegex(told, /MY|SIGNATURE/);
      t.regex(told, /sig=…/, 'what it says besides is told');
    }
  });
}

test('the session of an upload, in whatever form it is repeated, is told nobody either', (t) => {
  const said =
    'no way to "/upload/storage/v1/b/x/o?uploadType=resumable&upload_id=AHmUCY1" via sig%3Dabc%253D, <a>sig=d</a>';
  t.is(
    hideSecrets(said),
    'no way to "/upload/storage/v1/b/x/o?uploadType=resumable&upload_id=…" via sig%3D… <a>sig=…</a>',
  );
  t.is(hideSecrets('design=1&config_sig=2'), 'design=1&config_sig=2');
});
