import test from 'ava';
import { startApi } from './helpers.ts';

test('GET / lists every path with its method and type', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('GET', '/');
  const entries = body as { method: string; url: string; contentType: string[] }[];
  t.deepEqual(
    entries.find(({ url }) => url === '/cluster/backup/start'),
    { method: 'POST', url: '/cluster/backup/start', contentType: ['application/json'] },
  );
  t.truthy(entries.find(({ url }) => url === '/node/{node}/stop'));
});

test('An unknown path is a JSON error that names it', async (t) => {
  const api = await startApi(t);
  for (const path of [
    '/nodes',
    '/node/slave0/decommission',
    '/scale/down',
    '/cluster/backup',
    '/%',
    '/cluster/jobs/1/2',
  ]) {
    const answer = await api.call('GET', path);
    t.is(answer.status, 404, path);
    t.is(answer.body.error.code, 'NOT_FOUND');
    t.true(answer.body.error.message.includes(path));
  }
});

test('A wrong method is a JSON error with the allowed ones', async (t) => {
  const api = await startApi(t);
  const get = await api.call('GET', '/cluster/backup/start');
  t.is(get.status, 405);
  t.is(get.headers['allow'], 'POST');
  t.is(get.body.error.code, 'METHOD_NOT_ALLOWED');
  for (const method of ['DELETE', 'PUT', 'PATCH', 'PROPFIND']) {
    const answer = await api.call(method, '/config');
    t.is(answer.status, 405, method);
    t.is(answer.headers['allow'], 'HEAD, GET');
    t.like(answer.body, { error: { code: 'METHOD_NOT_ALLOWED' } });
  }
  t.is((await api.call('TRACE', '/nowhere')).status, 404);
});

test('HEAD and OPTIONS are answered without a body', async (t) => {
  const api = await startApi(t);
  const head = await api.call('HEAD', '/config');
  t.deepEqual([head.status, head.text], [200, '']);
  const options = await api.call('OPTIONS', '/cluster/backup/start');
  t.deepEqual([options.status, options.headers['allow']], [200, 'POST']);
});

test('A trailing slash changes nothing, as with the forerunner', async (t) => {
  const api = await startApi(t);
  t.is((await api.call('GET', '/node/all/')).status, 200);
});

test('A body that is no JSON object is refused and nothing starts', async (t) => {
  const api = await startApi(t);
  const headers = { 'content-type': 'application/json' };
  for (const body of ['{"name":', 'name=a', '"a"', '[]', '[{"name":"a"}]', 'null', '5']) {
    const answer = await api.call('POST', '/cluster/backup/start', { headers, body });
    t.is(answer.status, 400, body);
    t.like(answer.body, { started: false, error: { code: 'BAD_REQUEST' } });
  }
  t.is(api.jobs.list().length, 0);
});

test('A form, as curl -d sends it, is refused with the way out instead of being overlooked', async (t) => {
  const api = await startApi(t);
  const answer = await api.call('POST', '/cluster/backup/start', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'name=a',
  });
  t.is(answer.status, 400);
  t.regex(answer.body.error.message, /application\/x-www-form-urlencoded/);
  t.regex(answer.body.error.hint, /--json/);
  const untyped = await api.call('POST', '/cluster/backup/start', { body: '{"name":"a"}' });
  t.is(untyped.status, 400);
  t.is(api.jobs.list().length, 0);
});

test('A body larger than 64 KiB is refused', async (t) => {
  const api = await startApi(t);
  const answer = await api.call('POST', '/cluster/backup/start', { json: { name: 'a'.repeat(70_000) } });
  t.is(answer.status, 413);
  t.like(answer.body, { started: false, error: { code: 'BODY_TOO_LARGE' } });
});

test('An unknown error is logged once with its cause, and the answer shows nothing of it', async (t) => {
  const api = await startApi(t, {
    deps: {
      config: () => {
        throw new Error('cannot read', { cause: new Error('/secret/path is broken') });
      },
    },
  });
  const answer = await api.call('GET', '/config');
  t.is(answer.status, 500);
  t.is(answer.body.error.code, 'INTERNAL');
  t.notRegex(answer.text, /cannot read|secret|\.ts|stack/);
  const lines = api.seen.log.trim().split('\n');
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /cannot read.*secret\/path is broken/);
});

test('A refusal is not logged as an error: the client was told', async (t) => {
  const api = await startApi(t);
  await api.call('GET', '/nowhere');
  await api.call('POST', '/cluster/restore/start');
  t.is(api.seen.log, '');
});

test('Answers are not kept by caches and not sniffed', async (t) => {
  const api = await startApi(t);
  for (const path of ['/config', '/nowhere']) {
    const { headers } = await api.call('GET', path);
    t.is(headers['cache-control'], 'no-store');
    t.is(headers['x-content-type-options'], 'nosniff');
  }
});
