import { linkSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { hardLink } from '../../src/storage/hard-link.ts';
import { temporaryDirectory } from './contract.ts';

const expected = { size: 7, unchangedSince: Number.MAX_SAFE_INTEGER };

test('a file on another file system is not linked to, and nothing is left', async (t) => {
  const target = await temporaryDirectory(t);
  const other = mkdtempSync('/dev/shm/hard-link-');
  t.teardown(() => rmSync(other, { recursive: true }));
  writeFileSync(join(other, 'file'), 'content');
  t.false(await hardLink(join(other, 'file'), join(target, 'file'), expected));
  t.deepEqual(readdirSync(target), []);
});

test('a file with as many names as its file system takes is not linked to', async (t) => {
  const directory = await temporaryDirectory(t);
  const source = join(directory, 'file');
  writeFileSync(source, 'content');
  const full = 'EMLINK' === exhaust(source, join(directory, 'link'));
  // Some file systems (XFS, Btrfs, tmpfs) take more than a test can make.
  t.is(await hardLink(source, join(directory, 'one-more'), expected), !full);
});

test('a symbolic link is neither followed nor linked to', async (t) => {
  const directory = await temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), 'content');
  symlinkSync(join(directory, 'file'), join(directory, 'link'));
  t.false(await hardLink(join(directory, 'link'), join(directory, 'target'), expected));
  t.deepEqual(readdirSync(directory).sort(), ['file', 'link']);
});

/** Code of the error that ended it. */
function exhaust(source: string, prefix: string): string | undefined {
  try {
    for (let count = 0; count < 65_100; count += 1) linkSync(source, `${prefix}${count}`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}
