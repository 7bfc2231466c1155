import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { checkSpace } from '../../src/executor/check-space.ts';
import type { FileToStage } from '../../src/executor/staged-files.ts';
import { makeHost } from '../helpers/step-context.ts';

function file(target: string, size: number): FileToStage {
  return { path: '', sha256: '', dataDirectory: 0, keyspace: 'shop', table: 't', component: '', target, size };
}

test('more than is free is refused with both figures', async (t) => {
  const host = await makeHost(t);
  const [directory = ''] = host.stagingDirectories;
  await t.throwsAsync(checkSpace(host, [file(join(directory, 'x', 'a'), 2 ** 60)]), {
    code: 'NO_SPACE',
    message: /needs \d{19} bytes in .*, \d+ bytes are free/,
  });
});

test('directories on the same file system share its room', async (t) => {
  const host = await makeHost(t, 2);
  const [one = '', two = ''] = host.stagingDirectories;
  const { bytesFree } = await checkSpace(host, []);
  const most = Math.round(bytesFree * 0.7);
  await t.throwsAsync(checkSpace(host, [file(join(one, 'a'), most), file(join(two, 'b'), most)]), { code: 'NO_SPACE' });
});

test('what is staged already needs no room', async (t) => {
  const host = await makeHost(t);
  const target = join(host.stagingDirectories[0] ?? '', 'x', 'a');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, '12345');
  t.is((await checkSpace(host, [file(target, 5)])).bytesNeeded, 0);
  t.is((await checkSpace(host, [file(target, 6)])).bytesNeeded, 6);
});
