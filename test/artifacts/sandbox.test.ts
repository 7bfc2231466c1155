import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { create } from 'tar';
import { fetchedFiles, prepareSandbox, type FetchedFile } from '../../src/artifacts/sandbox.ts';
import { sha256Of } from '../../src/artifacts/sha256.ts';
import { temporaryDirectory } from '../cassandra/real-cassandra.ts';

const { signal } = new AbortController();

/** A sandbox into which an archive of these files was fetched. */
async function fetched(t: ExecutionContext, files: string[], gzip = true) {
  const directory = await temporaryDirectory(t);
  const sandbox = join(directory, 'sandbox');
  await mkdir(sandbox);
  for (const file of files) {
    await mkdir(join(directory, 'source', file, '..'), { recursive: true });
    await writeFile(join(directory, 'source', file), file);
  }
  const archive = join(sandbox, 'cassandra.tgz');
  await create({ file: archive, cwd: join(directory, 'source'), gzip }, files);
  const file: FetchedFile = {
    file: 'cassandra.tgz',
    sha256: await sha256Of(archive),
    unpack: { to: 'cassandra', holds: 'lib' },
  };
  return { sandbox, archive, file };
}

test('an archive that is what it should be becomes its folder, and goes', async (t) => {
  const { sandbox, file } = await fetched(t, ['lib/a.jar', 'bin/nodetool']);
  await prepareSandbox(sandbox, [file], signal);
  t.deepEqual(await readdir(sandbox), ['cassandra']);
  t.is(await readFile(join(sandbox, 'cassandra/lib/a.jar'), 'utf8'), 'lib/a.jar');
});

test("a distribution's own folder is left out, whatever its version calls it", async (t) => {
  const { sandbox, file } = await fetched(
    t,
    ['apache-cassandra-4.1.5/lib/a.jar', 'apache-cassandra-4.1.5/NOTICE'],
    false,
  );
  await prepareSandbox(sandbox, [file], signal);
  t.deepEqual((await readdir(join(sandbox, 'cassandra'))).sort(), ['NOTICE', 'lib']);
  t.deepEqual(await readdir(sandbox), ['cassandra']);
});

test('a file with another byte is refused with its name and both checksums, before anything is unpacked', async (t) => {
  const { sandbox, file } = await fetched(t, ['lib/a.jar']);
  await writeFile(join(sandbox, 'node'), 'a binary');
  const sha256 = await sha256Of(join(sandbox, 'node'));
  await writeFile(join(sandbox, 'node'), 'a binarY');
  const got = await sha256Of(join(sandbox, 'node'));
  const node = { file: 'node', sha256, unpack: null };
  const error = await t.throwsAsync(prepareSandbox(sandbox, [file, node], signal), { code: 'STORAGE_FAILED' });
  t.is(error.message, `Expected node, which the agent has fetched, with sha256 ${sha256}, got ${got}`);
  t.deepEqual((await readdir(sandbox)).sort(), ['cassandra.tgz', 'node']);
});

test('a file that was not fetched at all is named', async (t) => {
  const { sandbox, archive, file } = await fetched(t, ['lib/a.jar']);
  const missing = { ...file, file: 'java.tgz', unpack: { to: 'java', holds: 'bin/java' } };
  const error = await t.throwsAsync(prepareSandbox(sandbox, [missing], signal), { code: 'STORAGE_FAILED' });
  t.regex(error.message, /read java\.tgz in the sandbox: ENOENT/);
  t.true((await stat(archive)).isFile());
});

test('an archive without checksum that is cut off or none at all leaves no folder that looks complete', async (t) => {
  const { sandbox, archive, file } = await fetched(t, ['lib/a.jar', 'lib/b.jar']);
  const whole = await readFile(archive);
  for (const content of [whole.subarray(0, whole.length - 20), Buffer.from('<html>not found</html>')]) {
    await writeFile(archive, content);
    const error = await t.throwsAsync(prepareSandbox(sandbox, [{ ...file, sha256: null }], signal));
    t.regex(error.message, /^unpack cassandra\.tgz in the sandbox: /);
    t.false((await readdir(sandbox)).includes('cassandra'));
  }
  // The same sandbox once more, with the right file.
  await writeFile(archive, whole);
  await prepareSandbox(sandbox, [file], signal);
  t.deepEqual((await readdir(join(sandbox, 'cassandra/lib'))).sort(), ['a.jar', 'b.jar']);
});

test('an archive of something else is refused with what is in it', async (t) => {
  const { sandbox, file } = await fetched(t, ['README', 'src/java/A.java']);
  const error = await t.throwsAsync(prepareSandbox(sandbox, [file], signal), { code: 'STORAGE_FAILED' });
  t.regex(error.message, /^unpack cassandra\.tgz in the sandbox: Expected lib .* found README, src$/);
});

test('a sandbox that is used again is neither checked nor unpacked twice', async (t) => {
  const { sandbox, file } = await fetched(t, ['lib/a.jar']);
  await prepareSandbox(sandbox, [file], signal);
  await writeFile(join(sandbox, 'cassandra/lib/a.jar'), 'still there');
  await prepareSandbox(sandbox, [file], signal);
  t.is(await readFile(join(sandbox, 'cassandra/lib/a.jar'), 'utf8'), 'still there');
});

test('nothing is looked at when the executor is told to end', async (t) => {
  const { sandbox, file } = await fetched(t, ['lib/a.jar']);
  const reason = new Error('SIGTERM');
  t.is(await t.throwsAsync(prepareSandbox(sandbox, [file], AbortSignal.abort(reason))), reason);
  t.deepEqual(await readdir(sandbox), ['cassandra.tgz']);
});

test('an executor for which nothing was fetched has nothing to do', (t) => {
  t.deepEqual(fetchedFiles({}), []);
});
