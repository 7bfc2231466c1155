import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { create } from 'tar';
import { untar } from '../../src/artifacts/untar.ts';
import { temporaryDirectory } from '../cassandra/real-cassandra.ts';

/** An archive of one file of 1 MB, and an empty folder. */
async function archived(t: ExecutionContext, gzip: boolean) {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'lib'));
  await writeFile(join(directory, 'lib/a.jar'), 'x'.repeat(1e6));
  const archive = join(directory, 'archive');
  await create({ file: archive, cwd: directory, gzip }, ['lib/a.jar']);
  const folder = join(directory, 'folder');
  await mkdir(folder);
  return { archive, folder };
}

for (const gzip of [true, false]) {
  test(`an archive that is ${gzip ? '' : 'not '}gzipped is unpacked whatever its name is`, async (t) => {
    const { archive, folder } = await archived(t, gzip);
    await untar(archive, folder);
    t.is((await readFile(join(folder, 'lib/a.jar'))).length, 1e6);
  });

  test(`an archive that is cut off and ${gzip ? '' : 'not '}gzipped is an error`, async (t) => {
    const { archive, folder } = await archived(t, gzip);
    const whole = await readFile(archive);
    await writeFile(archive, whole.subarray(0, whole.length / 2));
    await t.throwsAsync(untar(archive, folder), {
      message: gzip ? /unexpected end of file/ : /^tar ended with \d+: tar: /,
    });
  });
}

test("what is no archive is an error in tar's words", async (t) => {
  const { archive, folder } = await archived(t, true);
  await writeFile(archive, '<html>not found</html>');
  await t.throwsAsync(untar(archive, folder), { message: /^tar ended with \d+: tar: / });
  t.deepEqual(await readdir(folder), []);
});

test('a file that is not there is named', async (t) => {
  const { folder } = await archived(t, true);
  await t.throwsAsync(untar('/nowhere/archive', folder), { message: /ENOENT.*\/nowhere\/archive/ });
});
