import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startApi } from '../api/helpers.ts';
import { ended } from '../api/job-fixtures.ts';
import { cli, startHere } from './helpers.ts';

const LOCATION = ['--location', 's3://bucket/prefix?region=eu'];
const CREDENTIALS = { ACCESS_KEY_ID: 'id', SECRET_ACCESS_KEY: 'geheim' };
const LINES = '[default]\naws_access_key_id = id\naws_secret_access_key = geheim\nregion = eu\n';

async function fileWith(t: ExecutionContext, text: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'keys');
  await writeFile(path, text);
  return path;
}

for (const command of [
  ['backup', 'start', '--name', 'b'],
  ['restore', 'start', 'b'],
  ['backup', 'verify', 'b'],
  ['backup', 'delete', 'b', '--force'],
  ['backup', 'sweep'],
  ['backup', 'rename-executor', '--from', 'a', '--to', 'b'],
  ['backup', 'adopt', 'b'],
]) {
  test(`${command.join(' ')} sends what is in the file, and does not show it`, async (t) => {
    const api = await startApi(t);
    const path = await fileWith(t, LINES);
    const { code, stdout, stderr } = await cli(api, ...command, ...LOCATION, '--credentials-file', path);
    t.is(code, 0, stderr);
    const job = api.jobs.running();
    t.like(job, { location: LOCATION[1], parameters: { credentials: 'request' } });
    t.deepEqual(api.jobs.credentialsOf(job?.id ?? 0), CREDENTIALS);
    t.notRegex(stdout + stderr, /geheim/);
  });
}

test('they come by stdin as well, and as the key file of a Google service account', async (t) => {
  const api = await startApi(t);
  const start = ['backup', 'start', '--credentials-file', '-', '--location'];
  for (const [location, text, expected] of [
    ['s3://bucket', 'export ACCESS_KEY_ID=id\nexport SECRET_ACCESS_KEY="geheim"\n', CREDENTIALS],
    ['gs://bucket', '{\n "type": "service_account"\n}\n', { CREDENTIALS: '{\n "type": "service_account"\n}' }],
  ] as const) {
    const name = ['--name', location.slice(0, 2)];
    const run = startHere([...start, location, ...name], { url: api.url, readStdin: () => Promise.resolve(text) });
    const { code, stderr } = await run.ends();
    t.is(code, 0, stderr);
    const { id } = api.jobs.running() ?? { id: 0 };
    t.deepEqual(api.jobs.credentialsOf(id), expected);
    api.jobs.update(id, (job) => ended(job, 'SUCCESS'));
  }
});

test('a file that is not there, or holds none, ends the command without a call', async (t) => {
  const api = await startApi(t);
  const start = ['backup', 'start', ...LOCATION, '--credentials-file'];
  const missing = await cli(api, ...start, '/nowhere/keys');
  t.is(missing.code, 2);
  t.regex(missing.stderr, /read the credentials from \/nowhere\/keys: ENOENT/);
  const empty = await cli(api, ...start, await fileWith(t, 'geheim\n'));
  t.is(empty.code, 2);
  t.regex(empty.stderr, /Expected lines NAME=VALUE in .*keys, found none/);
  t.notRegex(empty.stderr, /geheim/);
  t.is(api.jobs.list().length, 0);
});
