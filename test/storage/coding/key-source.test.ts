import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { outputOf, readKeys } from '../../../src/storage/coding/key-source.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { keyLine } from './coded-place.ts';

async function place(t: ExecutionContext) {
  const sandbox = await temporaryDirectory(t);
  const warnings: object[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) };
  return { sandbox, warnings, places: { sandbox, log } };
}

async function program(path: string, text: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  return path;
}

test('keys come from a file, from a secret of the sandbox, or from a program', async (t) => {
  const { sandbox, places, warnings } = await place(t);
  const line = keyLine('k1');
  await mkdir(join(sandbox, 'deep'));
  await writeFile(join(sandbox, 'deep', 'keys'), line, { mode: 0o600 });
  const tell = await program(join(sandbox, 'tell'), `cat '${sandbox}/deep/keys'; echo noise >&2`);
  const rings = await Promise.all(
    [`file:${sandbox}/deep/keys`, 'secret:deep/keys', `command:${tell}`].map((reference) =>
      readKeys(reference, places),
    ),
  );
  const [fromFile, fromSecret, fromProgram] = rings;
  t.deepEqual(
    rings.map(({ keys }) => keys.map(({ id, check }) => `${id} ${check}`)),
    Array.from({ length: 3 }, () => [`k1 ${fromFile?.keys[0].check}`]),
  );
  t.is(fromFile?.where, `the file ${sandbox}/deep/keys`);
  t.is(fromSecret?.where, `the file ${sandbox}/deep/keys`);
  t.is(fromProgram?.where, `the output of ${tell}`);
  t.deepEqual(warnings, []);
});

test('a file of keys that others can read is used, with a warning', async (t) => {
  const { sandbox, places, warnings } = await place(t);
  const path = join(sandbox, 'keys');
  await writeFile(path, keyLine('k1'));
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(path, mode);
    await readKeys(`file:${path}`, places);
  }
  t.deepEqual(
    warnings,
    ['640', '604', '620'].map((permissions) => ({ path, permissions })),
  );
});

test('a source that is missing, or a secret outside of the sandbox, is an error that names it', async (t) => {
  const { sandbox, places } = await place(t);
  for (const reference of [`file:${sandbox}/none`, 'secret:none', `command:${sandbox}/none`]) {
    const error = await rejectsWith(t, 'STORAGE_FAILED', readKeys(reference, places));
    t.regex(error.message, /\/none/);
    t.regex(error.hint ?? '', /on every node/);
  }
  await rejectsWith(t, 'BAD_REQUEST', readKeys('secret:../keys', places));
});

test('of a program that fails, or says what is no key, nothing but its name is told', async (t) => {
  const { sandbox, places } = await place(t);
  const secret = randomBytes(24).toString('base64');
  const failing = await program(join(sandbox, 'failing'), `echo '${secret}'; echo '${secret}' >&2; exit 3`);
  const wrong = await program(join(sandbox, 'wrong'), `echo '${secret}'`);
  const first = await rejectsWith(t, 'STORAGE_FAILED', readKeys(`command:${failing}`, places));
  t.regex(first.message, /failing, which tells the encryption keys, ended with 3/);
  const second = await rejectsWith(t, 'STORAGE_FAILED', readKeys(`command:${wrong}`, places));
  t.regex(second.message, /the output of .*wrong cannot be used: line 1/);
  for (const error of [first, second]) t.false(inspect(error, { depth: 10 }).includes(secret));
});

test('what a program is given is no shell: its path is its path', async (t) => {
  const { sandbox, places } = await place(t);
  const path = await program(join(sandbox, 'keys $(touch x); y'), `echo '${keyLine('k1').trim()}'`);
  t.is((await readKeys(`command:${path}`, places)).keys[0].id, 'k1');
});

test('a program that does not end is ended, with all that it has started', async (t) => {
  const sandbox = await temporaryDirectory(t);
  const child = join(sandbox, 'child');
  const path = await program(join(sandbox, 'hangs'), `sleep 600 & echo $! > '${child}'; wait`);
  const error = await rejectsWith(t, 'TIMEOUT', outputOf(path, 500));
  t.regex(error.message, /hangs, .* did not end within 500 ms/);
  const pid = Number(await readFile(child, 'utf8'));
  // It may still stand there as what it was, until somebody takes its exit code.
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
  t.regex(state, /^gone$|\) [ZX] /);
});
