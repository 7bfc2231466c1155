import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { foundBackups } from '../../src/storage/found-backups.ts';
import { listForeignBackups } from '../../src/storage/foreign-backups.ts';
import { openStorage } from '../../src/storage/open.ts';
import { proveWritable } from '../../src/storage/preflight.ts';
import { readLocation } from '../../src/storage/read-backups.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { rejectsWith, temporaryDirectory } from './contract.ts';
import { listed } from './listed.ts';

const run = promisify(execFile);
const pool = createCopyPool(1);
const now = (): number => Date.now();
const PROBES = join('dev', 'backups', 'lock');

test.after.always(() => pool.close());

const openAt = (directory: string): Promise<Storage> =>
  openStorage(directory, { pool, baseDirectory: '/', create: true });

async function opened(t: ExecutionContext): Promise<{ storage: Storage; root: string }> {
  const root = join(await temporaryDirectory(t), 'backup');
  return { storage: await openAt(root), root };
}

const keys = async (storage: Storage): Promise<string[]> => (await listed(storage)).map(({ key }) => key);

/** Null where this machine does not allow it. */
async function mounted(t: ExecutionContext, options: string): Promise<string | null> {
  const directory = join(await temporaryDirectory(t), 'mounted');
  await mkdir(directory);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  } catch (error) {
    t.log(`not tried here, because mounting is not allowed: ${String(error)}`);
    t.pass();
    return null;
  }
  t.teardown(() => run('umount', ['-l', directory]));
  return directory;
}

test('a location that can be written to is left as it was', async (t) => {
  const { storage } = await opened(t);
  await storage.putDocument('dev/backups/monday.json', '{}');
  t.is(await proveWritable(storage, 'dev', now), 0);
  t.deepEqual(await keys(storage), ['dev/backups/monday.json']);
});

test('nodes that look at the same time find their own probes, and leave those of the others', async (t) => {
  const { storage } = await opened(t);
  t.deepEqual(
    await Promise.all(Array.from({ length: 20 }, () => proveWritable(storage, 'dev', now))),
    Array(20).fill(0),
  );
  t.deepEqual(await keys(storage), []);
});

test('a probe of a node that was killed is swept after an hour, and is never taken for something of a backup', async (t) => {
  const { storage, root } = await opened(t);
  for (const name of ['probe-old', 'probe-new', '1.json'])
    await storage.putDocument(`dev/backups/lock/${name}`, 'left by somebody');
  for (const name of ['probe-old', '1.json']) {
    const longAgo = Date.now() / 1000 - 3601;
    await utimes(join(root, PROBES, name), longAgo, longAgo);
  }
  t.deepEqual((await readLocation(storage, 'dev', new Map(), new Map())).backups, []);
  for await (const { name } of foundBackups(storage, 'dev', new AbortController().signal)) t.fail(name);
  t.deepEqual(await listForeignBackups(storage, 'dev'), []);
  await proveWritable(storage, 'dev', now);
  t.deepEqual((await readdir(join(root, PROBES))).toSorted(), ['1.json', 'probe-new']);
});

test('by how much the clocks differ is told, as far as it is more than whole seconds and the way there', async (t) => {
  const { storage } = await opened(t);
  const ahead = await proveWritable(storage, 'dev', () => Date.now() - 20 * 60_000);
  t.true(Math.abs(ahead - 20 * 60_000) < 10_000, String(ahead));
  const behind = await proveWritable(storage, 'dev', () => Date.now() + 20 * 60_000);
  t.true(Math.abs(behind + 20 * 60_000) < 10_000, String(behind));
  // Each look at the clock takes ten minutes: the probe was stored at some time in between.
  let looks = -1;
  t.is(await proveWritable(storage, 'dev', () => Date.now() + (looks += 1) * 600_000), 0);
});

test('a directory on a read-only file system is refused with what to do', async (t) => {
  const directory = await mounted(t, 'ro,size=1m');
  if (directory === null) return;
  const error = await rejectsWith(t, 'STORAGE_FAILED', proveWritable(await openAt(directory), 'dev', now));
  t.regex(error.message, /EROFS/);
  t.regex(error.hint ?? '', /mounted read-only: mount it for writing/);
});

test('a directory on a full file system is refused, and nothing is left on it', async (t) => {
  const directory = await mounted(t, 'size=64k');
  if (directory === null) return;
  const storage = await openAt(directory);
  await proveWritable(storage, 'dev', now);
  await t.throwsAsync(writeFile(join(directory, 'all'), Buffer.alloc(1_000_000)), { code: 'ENOSPC' });
  await rejectsWith(t, 'NO_SPACE', proveWritable(storage, 'dev', now));
  t.deepEqual(await readdir(join(directory, PROBES)), []);
});

test('a location that is a file, or whose folder for the cluster is a link, is refused', async (t) => {
  const { storage, root } = await opened(t);
  await symlink('/tmp', join(root, 'dev'));
  await rejectsWith(t, 'STORAGE_FAILED', proveWritable(storage, 'dev', now));
  await writeFile(join(root, 'file'), '');
  await rejectsWith(t, 'STORAGE_FAILED', openAt(join(root, 'file')));
});

const LIES: [string, (storage: Storage) => Partial<Storage>, RegExp][] = [
  [
    'shows an older one',
    () => ({ getDocument: () => Promise.resolve('older') }),
    /as it was stored, got something else/,
  ],
  ['forgets', () => ({ getDocument: () => Promise.resolve(null) }), /as it was stored, got nothing/],
  ['lists nothing', () => ({ list: async function* () {} }), /to be listed, got a list without it/],
  [
    'makes a document in the place of another',
    (storage) => ({ createDocument: async (...put) => (await storage.putDocument(...put), true) }),
    /not to be made a second time, got a new one in its place/,
  ],
  [
    'does not delete',
    () => ({ delete: () => Promise.resolve(true) }),
    /to be gone once it is deleted, got it is still/,
  ],
];

for (const [what, lie, message] of LIES) {
  test(`a place that ${what} is none for backups`, async (t) => {
    const { storage } = await opened(t);
    const { url } = storage;
    const bound = Object.fromEntries(
      (['createDocument', 'getDocument', 'list', 'delete'] as const).map((name) => [name, storage[name].bind(storage)]),
    ) as unknown as Storage;
    const error = await rejectsWith(t, 'STORAGE_FAILED', proveWritable({ ...bound, url, ...lie(storage) }, 'dev', now));
    t.regex(error.message, message);
    t.regex(error.hint ?? '', /check endpoint in the location/);
    if (what !== 'does not delete') t.deepEqual(await keys(storage), []);
  });
}
