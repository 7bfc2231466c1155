import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { fetchAll } from '../../src/local/fetcher.ts';
import { temporaryDirectory } from '../mesos/helpers/mesos.ts';

const { signal } = new AbortController();

async function folders(t: ExecutionContext): Promise<{ source: string; sandbox: string }> {
  const directory = await temporaryDirectory(t);
  const [source, sandbox] = [join(directory, 'source'), join(directory, 'sandbox')];
  await mkdir(source);
  await mkdir(sandbox);
  return { source, sandbox };
}

test('files come by path and by file URL, executable where asked for, under another name where asked for', async (t) => {
  const { source, sandbox } = await folders(t);
  const file = join(source, 'tool');
  await writeFile(file, 'content', { mode: 0o600 });
  const uris = [{ value: file }, { value: pathToFileURL(file).href, executable: true, outputFile: 'bin/run' }];
  await fetchAll(uris, sandbox, signal);
  t.is(await readFile(join(sandbox, 'tool'), 'utf8'), 'content');
  t.is((await stat(join(sandbox, 'bin/run'))).mode & 0o777, 0o755);
});

test('an archive is unpacked, unless that is not wanted', async (t) => {
  const { source, sandbox } = await folders(t);
  await writeFile(join(source, 'inside'), 'x');
  const archive = join(source, 'pack.tar.gz');
  await promisify(execFile)('tar', ['-czf', archive, '-C', source, 'inside']);
  await fetchAll([{ value: archive, extract: false }], sandbox, signal);
  t.deepEqual(await readdir(sandbox), ['pack.tar.gz']);
  await fetchAll([{ value: archive }], sandbox, signal);
  t.is(await readFile(join(sandbox, 'inside'), 'utf8'), 'x');
});

test('files come by HTTP, and another status than 200 is an error', async (t) => {
  const { sandbox } = await folders(t);
  const server = createServer((request, response) => {
    response.writeHead(request.url?.startsWith('/there') ? 200 : 404).end('bytes');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await fetchAll([{ value: `${url}/there/file.txt?x=1` }], sandbox, signal);
  t.is(await readFile(join(sandbox, 'file.txt'), 'utf8'), 'bytes');
  await t.throwsAsync(fetchAll([{ value: `${url}/gone` }], sandbox, signal), {
    message: `fetch '${url}/gone': Expected HTTP status 200, got 404`,
  });
});

test('what cannot be fetched is named', async (t) => {
  const { source, sandbox } = await folders(t);
  await t.throwsAsync(fetchAll([{ value: '/no/such/file' }], sandbox, signal), {
    message: /^fetch '\/no\/such\/file': ENOENT/,
  });
  const broken = join(source, 'broken.tgz');
  await writeFile(broken, 'no archive');
  await t.throwsAsync(fetchAll([{ value: broken }], sandbox, signal), { message: /broken\.tgz': tar ended with 2: / });
  await t.throwsAsync(fetchAll([{ value: broken, outputFile: '../out' }], sandbox, signal), {
    message: /a file name within the sandbox/,
  });
});
