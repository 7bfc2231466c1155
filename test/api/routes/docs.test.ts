import test from 'ava';
import { parse } from 'yaml';
import { DOCUMENT } from '../document.ts';
import { startApi } from '../helpers.ts';

test('The documentation page takes everything from the scheduler itself', async (t) => {
  const api = await startApi(t);
  const page = await api.call('GET', '/api-docs');
  t.is(page.status, 200);
  t.regex(String(page.headers['content-security-policy']), /default-src 'self'/);
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
  t.true(links.length >= 4);
  for (const link of links.filter((link) => link !== 'data:,')) {
    t.regex(link, /^\/api-docs\//);
    const asset = await api.call('GET', link);
    t.is(asset.status, 200, link);
    t.true(asset.text.length > 20, link);
  }
});

test('The page shows the document, and the document is the one of the package', async (t) => {
  const api = await startApi(t);
  const start = await api.call('GET', '/api-docs/start.js');
  const url = /url: '([^']+)'/.exec(start.text)?.[1] ?? '';
  const document = await api.call('GET', url);
  t.is(document.status, 200);
  t.deepEqual(parse(document.text), DOCUMENT);
});

test('Other files cannot be reached through the page', async (t) => {
  const api = await startApi(t);
  for (const path of ['/api-docs/../package.json', '/api-docs/%2e%2e%2fpackage.json', '/api-docs/index.html']) {
    t.is((await api.call('GET', path)).status, 404, path);
  }
});
