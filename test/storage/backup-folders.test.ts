import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rmdir, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { backupFolders, type FolderCache } from '../../src/storage/backup-folders.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';

async function place(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'folders-'));
  const pool = createCopyPool(1);
  t.teardown(async () => {
    await pool.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const storage = await openFileStorage(directory, pool, false);
  const listed: string[] = [];
  const watched = {
    folders: (prefix: string) => (listed.push(prefix), storage.folders(prefix)),
    foldersVersion: (prefix: string) => storage.foldersVersion(prefix),
  } as Storage;
  const make = (node: string, name: string) => mkdir(join(directory, 'dev', node, name), { recursive: true });
  /** As if the last change was long ago. */
  const age = (node: string) => utimes(join(directory, 'dev', node), 1, 1);
  const cache: FolderCache = new Map();
  const look = async () => {
    listed.length = 0;
    return Object.fromEntries(await backupFolders(watched, 'dev', cache));
  };
  return { directory, make, age, look, listed };
}

test('each backup is found with the nodes that have a folder of it, and nothing that no backup can be called', async (t) => {
  const { make, look } = await place(t);
  await make('n0', 'monday');
  await make('n1', 'monday');
  await make('n1', 'tuesday');
  await make('n1', '.hidden');
  await make('backups', 'lock');
  t.deepEqual(await look(), { monday: ['n0', 'n1'], tuesday: ['n1'] });
});

test('only folders that have changed are listed again', async (t) => {
  const { directory, make, age, look, listed } = await place(t);
  await make('n0', 'monday');
  await make('n1', 'monday');
  for (const node of ['n0', 'n1']) await age(node);
  await look();
  t.deepEqual(await look(), { monday: ['n0', 'n1'] });
  t.deepEqual(listed, ['dev/']);
  await make('n1', 'tuesday');
  t.deepEqual(await look(), { monday: ['n0', 'n1'], tuesday: ['n1'] });
  t.deepEqual(listed, ['dev/', 'dev/n1/']);
  await rmdir(join(directory, 'dev', 'n0', 'monday'));
  await age('n0');
  t.deepEqual(await look(), { monday: ['n1'], tuesday: ['n1'] });
});

test('a folder that changed a moment ago is listed again, because its time may not show the next change', async (t) => {
  const { make, look, listed } = await place(t);
  await make('n0', 'monday');
  await look();
  await look();
  t.deepEqual(listed, ['dev/', 'dev/n0/']);
});
