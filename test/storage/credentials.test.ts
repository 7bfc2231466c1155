import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { findCredentials, missingCredentials } from '../../src/storage/credentials.ts';
import { rejectsWith, temporaryDirectory } from './contract.ts';

test('credentials are read where the location says, and those of the request come first', async (t) => {
  const sandbox = await temporaryDirectory(t);
  await mkdir(join(sandbox, 'deep'));
  await writeFile(join(sandbox, 'deep', 'keys'), 'export ACCESS_KEY_ID="of the file"\n');
  const env = { A_ACCESS_KEY_ID: 'of the variable' };
  const idOf = async (reference: string | null, given?: Record<string, string>) =>
    (await findCredentials(reference, { env, sandbox, given }))?.value('ACCESS_KEY_ID');
  t.is(await idOf(`file:${sandbox}/deep/keys`), 'of the file');
  t.is(await idOf('secret:deep/keys'), 'of the file');
  t.is(await idOf('env:A_'), 'of the variable');
  t.is(await idOf('env:A_', { ACCESS_KEY_ID: 'of the request' }), 'of the request');
  t.is(await idOf(null), undefined);
});

test('what is not there is told with where it has to be', async (t) => {
  const places = { env: {}, sandbox: await temporaryDirectory(t) };
  const unread = await rejectsWith(t, 'STORAGE_FAILED', findCredentials('secret:none', places));
  t.true(unread.message.includes(join(places.sandbox, 'none')));
  t.regex(unread.hint ?? '', /on each node, to be read by the user of the executor/);
  const hintOf = async (reference: string) =>
    missingCredentials('ACCOUNT_KEY', (await findCredentials(reference, places))!).hint ?? '';
  t.regex(await hintOf('env:A_'), /--executor_environment_variables/);
  await writeFile(join(places.sandbox, 'empty'), '');
  t.regex(await hintOf('secret:empty'), /lines NAME=VALUE/);
});
