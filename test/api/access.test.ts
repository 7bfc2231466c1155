import test from 'ava';
import { accessPolicy, isLoopback } from '../../src/api/access.ts';
import { apiRoutes } from '../../src/api/api.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { startApi } from './helpers.ts';

const OPEN = { boundToLoopback: false } as const;

test('Without a token the API may listen on loopback only', (t) => {
  t.deepEqual(accessPolicy({ host: '127.0.0.1', token: null, insecure: false }), {
    token: null,
    insecure: false,
    boundToLoopback: true,
  });
  for (const host of ['0.0.0.0', '::', '192.168.3.6', 'slave0', '', '127.0.0.1.example.org']) {
    t.throws(() => accessPolicy({ host, token: null, insecure: false }), { code: 'BAD_REQUEST', message: /got none/ });
  }
});

test('An address that others can reach needs a token, or --insecure said out loud', (t) => {
  t.like(accessPolicy({ host: '0.0.0.0', token: 'secret', insecure: false }), { token: 'secret', ...OPEN });
  t.like(accessPolicy({ host: '0.0.0.0', token: null, insecure: true }), { insecure: true, ...OPEN });
});

test('An empty token is refused instead of being one that everybody knows', (t) => {
  const error = t.throws(() => accessPolicy({ host: '0.0.0.0', token: ' \n', insecure: false }));
  t.regex(error.message, /empty/);
});

test('Loopback is recognised by name and by address', (t) => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])
    t.true(isLoopback(host), host);
  for (const host of ['128.0.0.1', 'localhost.example.org', '127.example.org', '0.0.0.0', '']) {
    t.false(isLoopback(host), host);
  }
});

test('On loopback no token is needed', async (t) => {
  const api = await startApi(t);
  t.is((await api.call('POST', '/cluster/backup/abort')).status, 200);
});

test('Off loopback every mutating call needs the right token', async (t) => {
  const api = await startApi(t, { deps: { ...OPEN, token: 'right' } });
  const missing = await api.call('POST', '/cluster/backup/start?name=a');
  t.is(missing.status, 401);
  t.like(missing.body, { started: false, error: { code: 'UNAUTHORIZED' } });
  t.is(missing.headers['www-authenticate'], 'Bearer');
  for (const authorization of ['Bearer wrong', 'Bearer rightt', 'Bearer', 'Basic right', 'right']) {
    const answer = await api.call('POST', '/node/slave0/stop', { headers: { authorization } });
    t.is(answer.status, 401, authorization);
    t.false(answer.text.includes('right'));
  }
  t.is(api.state.nodes.all()[0]?.targetRunState, 'RUN');
  t.is(api.jobs.list().length, 0);
  const accepted = await api.call('POST', '/node/slave0/stop', { headers: { authorization: 'Bearer right' } });
  t.is(accepted.status, 200);
  t.is(accepted.body.targetRunState, 'STOP');
});

test('No POST of any route gets past without the token', async (t) => {
  const api = await startApi(t, { deps: { ...OPEN, token: 'right' } });
  const posts = apiRoutes({} as ApiDeps).filter(({ method }) => method === 'POST');
  t.true(posts.length > 20);
  const before = api.state.nodes.all();
  for (const { path } of posts) {
    const answer = await api.call('POST', path.replace(':node', 'slave0'), {
      json: {},
      headers: { authorization: 'Bearer wrong' },
    });
    t.is(answer.status, 401, path);
    t.is(answer.body.error.code, 'UNAUTHORIZED');
  }
  t.deepEqual(api.state.nodes.all(), before);
  t.is(api.seen.wakes, 0);
});

test('Off loopback reading needs no token', async (t) => {
  const api = await startApi(t, { deps: { ...OPEN, token: 'right' } });
  t.is((await api.call('GET', '/node/all')).status, 200);
});

test('Off loopback with neither token nor --insecure every mutating call is refused', async (t) => {
  const api = await startApi(t, { deps: OPEN });
  const headers = { authorization: 'Bearer null' };
  t.is((await api.call('POST', '/cluster/backup/abort', { headers })).status, 401);
});

test('With --insecure no token is needed off loopback', async (t) => {
  const api = await startApi(t, { deps: { ...OPEN, insecure: true } });
  t.is((await api.call('POST', '/cluster/backup/abort')).status, 200);
});

test('A page of another site cannot make a browser call the API', async (t) => {
  const api = await startApi(t);
  const own = `http://127.0.0.1:${api.port}`;
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://127.0.0.1:${api.port + 1}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: own, 'sec-fetch-site': 'cross-site' },
  ] as Record<string, string>[]) {
    const answer = await api.call('POST', '/cluster/backup/start?name=a', { headers });
    t.is(answer.status, 403, JSON.stringify(headers));
    t.like(answer.body, { started: false, error: { code: 'FORBIDDEN' } });
  }
  t.is(api.jobs.list().length, 0);
  const headers = { origin: own, 'sec-fetch-site': 'same-origin' };
  t.is((await api.call('POST', '/cluster/backup/abort', { headers })).status, 200);
});

test('A name that a page made point at loopback is refused, for reading too', async (t) => {
  const api = await startApi(t);
  for (const host of ['evil.example', `evil.example:${api.port}`, '127.0.0.1.evil.example', 'a b']) {
    const answer = await api.call('GET', '/config', { headers: { host } });
    t.is(answer.status, 403, host);
    t.is(answer.body.error.code, 'FORBIDDEN');
  }
  for (const host of [`localhost:${api.port}`, '127.0.0.1', '[::1]:18080']) {
    t.is((await api.call('GET', '/config', { headers: { host } })).status, 200, host);
  }
});
