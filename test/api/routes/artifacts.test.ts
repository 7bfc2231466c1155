import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { startApi } from '../helpers.ts';

const TYPE = 'application/octet-stream';

/** An API that serves one file of these bytes. */
async function serving(t: ExecutionContext, content: Buffer) {
  const directory = await mkdtemp(join(tmpdir(), 'artifacts-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'a file.tgz');
  await writeFile(path, content);
  await writeFile(join(directory, 'secret'), 'nobody may see this');
  const sha256 = createHash('sha256').update(content).digest('hex');
  const name = `${sha256.slice(0, 16)}-a file.tgz`;
  const api = await startApi(t, { deps: { artifacts: [{ name, path, sha256 }] } });
  return { api, path, sha256, url: `/artifacts/${encodeURIComponent(name)}` };
}

test('A file is sent whole, with its checksum as strong ETag', async (t) => {
  const { api, sha256, url } = await serving(t, Buffer.from('0123456789'));
  const answer = await api.call('GET', url);
  t.is(answer.status, 200);
  t.is(answer.text, '0123456789');
  t.like(answer.headers, {
    'content-type': TYPE,
    'content-length': '10',
    etag: `"${sha256}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=31536000, immutable',
  });
});

test("HEAD tells a file's size without sending it: Mesos' fetcher makes room in its cache first", async (t) => {
  const { api, url } = await serving(t, Buffer.from('0123456789'));
  const answer = await api.call('HEAD', url);
  t.is(answer.status, 200);
  t.is(answer.text, '');
  t.like(answer.headers, { 'content-type': TYPE, 'content-length': '10' });
});

test('Who has the file already is told so', async (t) => {
  const { api, sha256, url } = await serving(t, Buffer.from('0123456789'));
  const ask = async (etag: string) => {
    const sent = request(api.url + url, { headers: { 'If-None-Match': etag } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, text: await text(response) };
  };
  t.deepEqual(await ask(`"${sha256}"`), { status: 304, text: '' });
  t.deepEqual(await ask('"another"'), { status: 200, text: '0123456789' });
});

test('A range of a file is sent, also only while the file is still the same', async (t) => {
  const { api, sha256, url } = await serving(t, Buffer.from('0123456789'));
  const end = await api.call('GET', url, { headers: { Range: 'bytes=7-' } });
  t.is(end.status, 206);
  t.is(end.text, '789');
  t.like(end.headers, { 'content-range': 'bytes 7-9/10', 'content-length': '3', etag: `"${sha256}"` });
  const same = await api.call('GET', url, { headers: { Range: 'bytes=0-1', 'If-Range': `"${sha256}"` } });
  t.deepEqual([same.status, same.text], [206, '01']);
  const other = await api.call('GET', url, { headers: { Range: 'bytes=0-1', 'If-Range': '"another"' } });
  t.deepEqual([other.status, other.text], [200, '0123456789']);
});

test('A range outside of the file is refused with its size', async (t) => {
  const { api, url } = await serving(t, Buffer.from('0123456789'));
  const answer = await api.call('GET', url, { headers: { Range: 'bytes=10-' } });
  t.is(answer.status, 416);
  t.is(answer.headers['content-range'], 'bytes */10');
  t.is(answer.body.error.message, 'Expected a range within 10 bytes, got bytes=10-');
  const precondition = await api.call('GET', url, { headers: { 'If-Match': '"another"' } });
  t.like(precondition, { status: 400, body: { error: { code: 'BAD_REQUEST' } } });
});

test('Nothing but what agents are to fetch is served, whatever the path says', async (t) => {
  const { api, path, sha256 } = await serving(t, Buffer.from('0123456789'));
  for (const name of [
    'secret',
    'a%20file.tgz',
    `${sha256.slice(0, 16)}-secret`,
    '..%2fsecret',
    '%2e%2e%2fsecret',
    `${sha256.slice(0, 16)}-a%20file.tgz%2f..%2fsecret`,
    encodeURIComponent(path),
    '%00',
    '',
  ]) {
    const answer = await api.call('GET', `/artifacts/${name}`);
    t.like(answer, { status: 404, body: { error: { code: 'NOT_FOUND' } } }, name);
  }
  t.is((await api.call('POST', '/artifacts/secret')).status, 405);
});

test('A file that has gone is an error of the scheduler, which its log tells', async (t) => {
  const { api, path, url } = await serving(t, Buffer.from('0123456789'));
  await rm(path);
  const answer = await api.call('GET', url);
  t.is(answer.status, 500);
  t.is(answer.headers['etag'], undefined);
  t.regex(api.seen.log, /read a file for agents.*ENOENT/s);
});

test('Agents need no token, also where the API is open to the network', async (t) => {
  const { path, sha256 } = await serving(t, Buffer.from('0123456789'));
  const artifacts = [{ name: 'file', path, sha256 }];
  const api = await startApi(t, { deps: { artifacts, token: 'secret', boundToLoopback: false } });
  t.is((await api.call('GET', '/artifacts/file')).text, '0123456789');
});

test('A file larger than all buffers arrives whole at a slow reader, after another one has gone away', async (t) => {
  const { api, sha256, url } = await serving(t, randomBytes(8 * 1024 * 1024));
  const [gone] = (await once(request(api.url + url).end(), 'response')) as [IncomingMessage];
  gone.destroy();
  const [slow] = (await once(request(api.url + url).end(), 'response')) as [IncomingMessage];
  const hash = createHash('sha256');
  for await (const chunk of slow) {
    hash.update(chunk as Buffer);
    await new Promise(setImmediate);
  }
  t.is(hash.digest('hex'), sha256);
});
