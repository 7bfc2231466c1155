import { tmpdir } from 'node:os';
import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { freeBytes, storageError } from '../../src/storage/storage-errors.ts';

function systemError(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, ...(path === undefined ? {} : { path }) });
}

const ACT = { operation: 'storing a/b', directory: tmpdir(), needed: 42 };

const HINTS: [string, RegExp][] = [
  ['EACCES', /Let the user that runs this process read and write/],
  ['EPERM', /Let the user that runs this process read and write/],
  ['EROFS', /mounted read-only/],
  ['ENOENT', /file system is mounted/],
  ['ESTALE', /file system is mounted/],
  ['ELOOP', /Symbolic links/],
  ['EIO', /the system's log/],
];

for (const [code, hint] of HINTS) {
  test(`${code} is a failure of the storage that says what to do`, async (t) => {
    const error = (await storageError(systemError(code), ACT)) as OperatorError;
    t.is(error.code, 'STORAGE_FAILED');
    t.regex(error.hint ?? '', hint);
    t.is(error.message, `storing a/b: ${code}: as the system says it`);
    t.is((error.cause as { code: string }).code, code);
  });
}

for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
  test(`${code} is missing room, with what is needed and what is free`, async (t) => {
    const error = (await storageError(systemError(code), ACT)) as OperatorError;
    t.is(error.code, 'NO_SPACE');
    t.is(error.details['needed'], 42);
    t.is(typeof error.details['free'], 'number');
    t.regex(error.message, /42 bytes are needed, \d+ bytes are free/);
  });
}

test('the hint names the place of the failure, never a temporary', async (t) => {
  const source = (await storageError(systemError('EACCES', '/data/source'), ACT)) as OperatorError;
  t.regex(source.hint ?? '', /read and write \/data\/source\./);
  const temporary = (await storageError(systemError('EACCES', `${tmpdir()}/x/tmp`), ACT)) as OperatorError;
  t.true(temporary.hint?.endsWith(`read and write ${tmpdir()}.`));
});

test('what is no system error passes as it is', async (t) => {
  for (const error of [new OperatorError('ABORTED', 'enough'), new Error('a defect'), 'text', null, undefined]) {
    t.is(await storageError(error, ACT), error);
  }
});

test('free bytes are unknown for a directory that is not there', async (t) => {
  t.is(await freeBytes('/no/such/directory'), null);
  t.true((await freeBytes(tmpdir()))! > 0);
});
