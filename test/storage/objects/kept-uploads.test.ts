import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { temporaryName } from '../../../src/storage/copy-target.ts';
import { KeptUploads } from '../../../src/storage/objects/kept-uploads.ts';
import { temporaryDirectory } from '../contract.ts';

const DAY_S = 24 * 60 * 60;

interface Folder {
  directory: string;
  uploads: KeptUploads;
  warnings: string[];
  open: () => Promise<KeptUploads>;
}

async function folder(t: ExecutionContext): Promise<Folder> {
  const directory = join(await temporaryDirectory(t), 'node', 'uploads');
  const warnings: string[] = [];
  const log = { warn: (_: unknown, text?: string) => void warnings.push(text ?? '') };
  const open = () => KeptUploads.open(directory, { clock: systemClock, log });
  return { directory, uploads: await open(), warnings, open };
}

/** As if it had been kept so many days ago. */
async function age(path: string, days: number): Promise<void> {
  const then = Date.now() / 1000 - days * DAY_S;
  await utimes(path, then, then);
}

test('what is kept is found again by another process, and nobody else can read it', async (t) => {
  const { directory, uploads, open } = await folder(t);
  const path = uploads.path('session', 'gs://bucket', 'a/b');
  await uploads.keep(path, 'first');
  await uploads.keep(path, 'second');
  const other = await open();
  t.is(await other.read(other.path('session', 'gs://bucket', 'a/b')), 'second');
  t.is(await other.read(other.path('salt', 'gs://bucket', 'a/b')), null);
  t.is(await other.read(other.path('session', 'gs://bucket/a', 'b')), null);
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is((await stat(directory)).mode & 0o777, 0o700);
  await other.forget(path);
  await other.forget(path);
  t.is(await uploads.read(path), null);
});

test('what is older than six days is not found any more, and swept with what was never finished', async (t) => {
  const { directory, uploads, open } = await folder(t);
  const paths = ['old', 'young'].map((key) => uploads.path('salt', 's3://bucket', key));
  for (const path of paths) await uploads.keep(path, 'text');
  const [old = '', young = ''] = paths;
  await age(old, 6.1);
  await age(young, 5.9);
  await writeFile(join(directory, temporaryName()), '');
  t.is(await uploads.read(old), null);
  t.is(await uploads.read(young), 'text');
  await open();
  t.deepEqual(await readdir(directory), [young.slice(directory.length + 1)]);
});

test('a folder that is not there is nothing to be warned of, and one that cannot be used costs no more', async (t) => {
  const { directory, uploads, warnings, open } = await folder(t);
  t.deepEqual(warnings, []);
  await mkdir(join(directory, '..'), { recursive: true });
  await writeFile(directory, 'a file is in the way');
  const path = uploads.path('session', 'gs://bucket', 'a/b');
  await uploads.keep(path, 'a secret');
  t.is(await uploads.read(path), null);
  await open();
  t.true(warnings.length >= 2);
  t.true(warnings.every((text) => text.startsWith('unfinished uploads cannot be ')));
});

test('a link is not followed', async (t) => {
  const { directory, uploads } = await folder(t);
  const path = uploads.path('salt', 's3://bucket', 'a/b');
  await uploads.keep(path, 'text');
  await uploads.forget(path);
  await writeFile(join(directory, 'elsewhere'), "somebody else's");
  await symlink('elsewhere', path);
  t.is(await uploads.read(path), null);
  await uploads.keep(path, 'own');
  t.is(await uploads.read(path), 'own');
  t.is(await readFile(join(directory, 'elsewhere'), 'utf8'), "somebody else's");
});
