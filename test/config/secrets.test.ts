import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { apiToken, mesosSecret, webhookTarget } from '../../src/config/secrets.ts';
import { parsed } from './parsed.ts';

test('a token comes from the environment or from a file, and never from the command line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'from the file\n');
  t.is(apiToken({}), null);
  t.is(apiToken({ CASSANDRA_MESOS_TOKEN: 'from the environment' }), 'from the environment');
  t.is(apiToken({ CASSANDRA_MESOS_TOKEN_FILE: file }), 'from the file');
  t.throws(() => apiToken({ CASSANDRA_MESOS_TOKEN_FILE: join(folder, 'none') }), { code: 'BAD_REQUEST' });
  t.throws(() => parsed('--token', 'geheim'), { message: /unknown option/ });
});

test("the secret for Mesos has the forerunner's name as well", (t) => {
  t.is(mesosSecret({}), null);
  t.is(mesosSecret({ DEFAULT_SECRET: 'old' }), 'old');
  t.is(mesosSecret({ DEFAULT_SECRET: 'old', MESOS_SECRET: 'new' }), 'new');
  t.throws(() => parsed('--secret', 'geheim'), { message: /unknown option/ });
});

test('a webhook comes by its variables alone, and a wrong one is not shown', (t) => {
  t.is(webhookTarget({}), null);
  const url = 'https://hooks.example.org/services/geheim';
  t.is(webhookTarget({ CASSANDRA_WEBHOOK_URL: url, CASSANDRA_WEBHOOK_SECRET: 's' })?.url.href, url);
  const error = t.throws(() => webhookTarget({ CASSANDRA_WEBHOOK_URL: 'ftp://host/geheim' }), { code: 'BAD_REQUEST' });
  t.false(error.message.includes('geheim'));
  t.throws(() => webhookTarget({ CASSANDRA_WEBHOOK_SECRET: 's' }), { message: /CASSANDRA_WEBHOOK_URL/ });
  t.throws(() => parsed('--webhook-url', url), { message: /unknown option/ });
});
