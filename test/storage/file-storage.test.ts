import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  link,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import { TEMPORARY_PREFIX } from '../../src/storage/layout.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { rejectsWith, storageContract, temporaryDirectory } from './contract.ts';
import { listed } from './listed.ts';

const run = promisify(execFile);
const pool = createCopyPool();
test.after.always(() => pool.close());

storageContract('directory', { links: 'LINKED' }, async (t) =>
  openFileStorage(join(await temporaryDirectory(t), 'root'), pool, true),
);

async function opened(t: ExecutionContext): Promise<{ storage: Storage; root: string; work: string; source: string }> {
  const work = await temporaryDirectory(t);
  const root = join(work, 'root');
  const source = join(work, 'source');
  await writeFile(source, 'content');
  return { storage: await openFileStorage(root, pool, true), root, work, source };
}

test('its url is the one an operator writes', async (t) => {
  const { storage, root } = await opened(t);
  t.is(storage.url, `file://${root}`);
});

test('opening for reading never makes the directory', async (t) => {
  const root = join(await temporaryDirectory(t), 'root');
  const error = await rejectsWith(t, 'STORAGE_FAILED', openFileStorage(root, pool, false));
  t.true(error.hint?.includes(root));
  await t.throwsAsync(stat(root), { code: 'ENOENT' });
});

test('a place where no directory can be made or that is a file says so', async (t) => {
  const { source } = await opened(t);
  t.truthy((await rejectsWith(t, 'STORAGE_FAILED', openFileStorage('/sys/cassandra-mesos', pool, true))).hint);
  await rejectsWith(t, 'STORAGE_FAILED', openFileStorage(source, pool, true));
  await rejectsWith(t, 'STORAGE_FAILED', openFileStorage(source, pool, false));
});

test('the location itself may be a symbolic link', async (t) => {
  const { work, source } = await opened(t);
  await symlink(join(work, 'root'), join(work, 'link'));
  const storage = await openFileStorage(join(work, 'link'), pool, true);
  await storage.putFile('a/b', source);
  t.is(await readFile(join(work, 'root', 'a', 'b'), 'utf8'), 'content');
});

test('no key leaves the directory through a symbolic link', async (t) => {
  const { storage, root, work, source } = await opened(t);
  const outside = join(work, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  await symlink(outside, join(root, 'link'));
  await symlink(join(work, 'nowhere'), join(root, 'dangling'));
  await symlink(join(outside, 'secret'), join(root, 'file'));
  for (const key of ['link/new', 'link/deeper/new', 'dangling/new']) {
    await rejectsWith(t, 'STORAGE_FAILED', storage.putFile(key, source));
    await rejectsWith(t, 'STORAGE_FAILED', storage.putDocument(key, 'x'));
  }
  const expected = { size: 6, sha256: '0'.repeat(64) };
  for (const key of ['link/secret', 'file']) {
    await rejectsWith(t, 'STORAGE_FAILED', storage.getFile(key, join(work, 'target'), expected));
    await rejectsWith(t, 'STORAGE_FAILED', storage.getDocument(key));
    await rejectsWith(t, 'STORAGE_FAILED', storage.checksum(key));
    await rejectsWith(t, 'STORAGE_FAILED', storage.delete(key));
  }
  await storage.deleteFolder('link/');
  await mkdir(join(outside, 'deeper'));
  await rejectsWith(t, 'STORAGE_FAILED', storage.deleteFolder('link/deeper/'));
  await rm(join(outside, 'deeper'), { recursive: true });
  t.deepEqual(await listed(storage), []);
  t.deepEqual(await readdir(outside), ['secret']);
  await t.throwsAsync(stat(join(work, 'nowhere')), { code: 'ENOENT' });
  await storage.putFile('file', source);
  t.is(await readFile(join(outside, 'secret'), 'utf8'), 'secret', 'a put replaces the link, not what it points to');
});

test('a directory that disappears is an error and is not made again', async (t) => {
  const { storage, root, work, source } = await opened(t);
  const stored = await storage.putFile('a/b', source);
  await rm(root, { recursive: true });
  const acts = [
    () => storage.putFile('a/c', source),
    () => storage.putDocument('a/c', 'x'),
    () => storage.getFile('a/b', join(work, 'target'), stored),
    () => storage.getDocument('a/b'),
    () => listed(storage),
    () => storage.folders(''),
    () => storage.flush(),
    () => storage.freeBytes(),
  ];
  for (const act of acts) t.regex((await rejectsWith(t, 'STORAGE_FAILED', act())).message, /disappeared/);
  await t.throwsAsync(stat(root), { code: 'ENOENT' });
});

test('another directory in the place of the one that was opened is refused, as after an unmount', async (t) => {
  const { storage, root, work, source } = await opened(t);
  await storage.putFile('a/b', source);
  await rename(root, join(work, 'elsewhere'));
  await mkdir(root);
  await rejectsWith(t, 'STORAGE_FAILED', storage.putFile('a/c', source));
  t.deepEqual(await readdir(root), []);
});

test('a file that was cut or altered on the disk is found when it is fetched', async (t) => {
  const { storage, root, work, source } = await opened(t);
  const stored = await storage.putFile('a/b', source);
  await writeFile(join(root, 'a', 'b'), 'c0ntent');
  await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile('a/b', join(work, 'target'), stored));
  await truncate(join(root, 'a', 'b'), 3);
  await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile('a/b', join(work, 'target'), stored));
  t.deepEqual((await readdir(work)).sort(), ['root', 'source']);
});

test('a full file system says how much is needed and how much is free', async (t) => {
  const { work } = await opened(t);
  const mounted = join(work, 'mounted');
  await mkdir(mounted);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted]);
  } catch (error) {
    t.log(`not tried here, because mounting is not allowed: ${String(error)}`);
    t.pass();
    return;
  }
  t.teardown(() => run('umount', [mounted]));
  const storage = await openFileStorage(mounted, pool, true);
  await writeFile(join(work, 'big'), Buffer.alloc(3_000_000, 1));
  const error = await rejectsWith(t, 'NO_SPACE', storage.putFile('a/big', join(work, 'big')));
  t.deepEqual(error.details, { needed: 3_000_000, free: await storage.freeBytes() });
  t.true(error.message.includes('3000000'));
  await rejectsWith(t, 'NO_SPACE', storage.putDocument('document', 'x'.repeat(2_000_000)));
  t.deepEqual(await readdir(join(mounted, 'a')), []);
  t.deepEqual(await listed(storage), []);
});

const SOURCES = new URL('../../src/storage/', import.meta.url).href;

/** Runs a script in a process of its own, with the pool and the storage of `root` at hand. */
function script(root: string, body: string): string {
  return `
    import { createCopyPool } from ${JSON.stringify(SOURCES + 'copy-pool.ts')};
    import { openFileStorage } from ${JSON.stringify(SOURCES + 'file-storage.ts')};
    const pool = createCopyPool();
    const storage = await openFileStorage(${JSON.stringify(root)}, pool, true);
    ${body}
    await pool.close();`;
}

test('a limit on the size of files is reported as missing room', async (t) => {
  const { root, work } = await opened(t);
  await writeFile(join(work, 'big'), Buffer.alloc(3_000_000, 1));
  const body = `try { await storage.putFile('a/big', ${JSON.stringify(join(work, 'big'))}); }
    catch (error) { console.log(JSON.stringify({ code: error.code, details: error.details, hint: error.hint })); }`;
  const { stdout } = await run('bash', [
    '-c',
    'ulimit -f 1000 && exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script(root, body),
  ]);
  const error = JSON.parse(stdout) as { code: string; details: { needed: number }; hint: string };
  t.is(error.code, 'NO_SPACE');
  t.is(error.details.needed, 3_000_000);
  t.regex(error.hint, /quota or a limit/);
  t.deepEqual(await readdir(join(root, 'a')), []);
});

test('what a killed writer left is not listed, and the next writer of the folder removes it', async (t) => {
  const { storage, root, work, source } = await opened(t);
  const long = join(work, 'long');
  await writeFile(long, '');
  await truncate(long, 64 * 1024 ** 3);
  const body = `await storage.putFile('a/long', ${JSON.stringify(long)}, { onBytes: () => console.log('begun') });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script(root, body)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.regex((await readdir(join(root, 'a'))).join(), new RegExp(`^\\${TEMPORARY_PREFIX}`));
  t.deepEqual(await listed(storage), []);
  await storage.putFile('a/short', source);
  t.deepEqual(await readdir(join(root, 'a')), ['short']);
});

test('a flush works where there is no command for the whole file system', async (t) => {
  const { root, source } = await opened(t);
  const body = `await storage.putFile('a/b/c', ${JSON.stringify(source)}); await storage.flush(); console.log('flushed');`;
  const argv = ['--input-type=module', '-e', script(root, body)];
  const { stdout } = await run(process.execPath, argv, { env: { PATH: '/no/such/directory' } });
  t.is(stdout.trim(), 'flushed');
});

test('what a killed writer left is swept, but for what has changed since then', async (t) => {
  const { storage, root } = await opened(t);
  await storage.putDocument('c/n/b/document', 'x');
  const temporary = join(root, 'c', 'n', 'b', `${TEMPORARY_PREFIX}left`);
  await writeFile(temporary, '12345');
  const sweep = async (before: number, dryRun = false): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key, size } of storage.sweepUnfinished('c/', { before, dryRun })) found.push(`${key} ${size}`);
    return found;
  };
  const found = [`c/n/b/${TEMPORARY_PREFIX}left 5`];
  const { ctimeMs } = await stat(temporary);
  t.deepEqual(await sweep(ctimeMs - 1), []);
  t.deepEqual(await sweep(ctimeMs, true), found);
  t.deepEqual(await sweep(ctimeMs), found);
  t.deepEqual(await readdir(join(root, 'c', 'n', 'b')), ['document']);
});

test('a temporary that is a second name of an old file is as new as the name', async (t) => {
  const { storage, root } = await opened(t);
  await storage.putDocument('c/n/a/file', 'x');
  await utimes(join(root, 'c', 'n', 'a', 'file'), 1, 1);
  await mkdir(join(root, 'c', 'n', 'b'));
  const { ctimeMs } = await stat(join(root, 'c', 'n', 'b'));
  await link(join(root, 'c', 'n', 'a', 'file'), join(root, 'c', 'n', 'b', `${TEMPORARY_PREFIX}left`));
  for await (const { changed } of storage.sweepUnfinished('c/', { before: Number.MAX_SAFE_INTEGER, dryRun: true })) {
    t.true(changed >= ctimeMs);
  }
  for await (const { changed, modified } of storage.list('c/'))
    t.deepEqual({ changed, modified }, { changed: 1000, modified: 1000 });
});

test('a file that was copied here with its old time is as new as its coming', async (t) => {
  const { storage, root } = await opened(t);
  await storage.putDocument('c/file', 'x');
  const before = await stat(join(root, 'c', 'file'));
  await utimes(join(root, 'c', 'file'), 1, 1);
  for await (const { changed, modified } of storage.list('c/')) {
    t.is(modified, 1000);
    t.true(changed >= before.ctimeMs);
  }
});

test("bytes that another name holds too are nobody's own", async (t) => {
  const { storage } = await opened(t);
  await storage.putDocument('c/n/a/shared', '12345');
  await storage.putDocument('c/n/b/own', '123');
  t.is(
    await storage.link('c/n/a/shared', 'c/n/b/shared', { size: 5, unchangedSince: Number.MAX_SAFE_INTEGER }),
    'LINKED',
  );
  t.is(await storage.ownBytes('c/n/b/'), 3);
  await storage.deleteFolder('c/n/a/');
  t.is(await storage.ownBytes('c/n/b/'), 8);
});
