import { execFile } from 'node:child_process';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { OperatorError } from '../errors.ts';
import { temporaryName } from './copy-target.ts';

const run = promisify(execFile);

/** Even a slow NFS server has written some gigabytes by then. */
const FLUSH_MS = 60 * 60 * 1000;

/**
 * Writes a document so that after a power cut there is the old one or the new one, and after the return the new one.
 * The folders up to `root` may be new, so their names are made durable as well.
 */
export async function writeDurably(path: string, content: string, root: string): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  try {
    await syncing(temporary, 'wx', (file) => file.writeFile(content));
    await rename(temporary, path);
    await fsyncFolders(dirname(path), root);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * As writeDurably, but only when there is nothing at `path`; false when there is. Whole or not at all, but for file systems without hard links:
 * there a power cut may leave a part of it.
 */
export async function createDurably(path: string, content: string, root: string): Promise<boolean> {
  const temporary = join(dirname(path), temporaryName());
  try {
    await syncing(temporary, 'wx', (file) => file.writeFile(content));
    if (!(await linkNew(temporary, path)) && !(await isLinked(temporary))) return false;
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    if (!(await writeNew(path, content))) return false;
  } finally {
    await rm(temporary, { force: true });
  }
  await fsyncFolders(dirname(path), root);
  return true;
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function linkNew(from: string, to: string): Promise<boolean> {
  return unlessThere(link(from, to));
}

/** The reply of an NFS server may be lost: asked again it says that the name is taken, by this very file. */
async function isLinked(path: string): Promise<boolean> {
  return (await lstat(path)).nlink > 1;
}

async function writeNew(path: string, content: string): Promise<boolean> {
  return unlessThere(syncing(path, 'wx', (file) => file.writeFile(content)));
}

async function unlessThere(act: Promise<void>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Makes the names of a folder durable, and those of the folders that it lies in. */
export async function fsyncFolders(from: string, root: string): Promise<void> {
  for (let folder = from; ; folder = dirname(folder)) {
    await fsyncPath(folder);
    if (folder === root) break;
  }
}

/**
 * Makes a whole file system durable by one `syncfs`, which `sync -f` of GNU coreutils and busybox calls: it writes
 * data, directories and new names at once, where an fsync of each of 100,000 files would wait 100,000 times. Big files
 * are on the disk already (see copy-target.ts). Returns false where there is no such command.
 */
export async function syncFileSystem(directory: string): Promise<boolean> {
  try {
    await run('sync', ['-f', directory], { timeout: FLUSH_MS });
    return true;
  } catch (error) {
    const { code, killed, stderr } = error as { code?: string | number; killed?: boolean; stderr?: string };
    if (killed)
      throw new OperatorError('TIMEOUT', `flushing ${directory}: not done after ${FLUSH_MS} ms`, { cause: error });
    if (code === 'ENOENT' || /(unrecognized|invalid|illegal|unknown) option/i.test(stderr ?? '')) return false;
    throw new OperatorError('STORAGE_FAILED', `flushing ${directory}: ${stderr?.trim() || String(error)}`, {
      cause: error,
      hint: "The disk may have lost data that was written: look into the system's log, then start the job again.",
    });
  }
}

/** Makes one file, or one directory with its names, durable. */
export async function fsyncPath(path: string): Promise<void> {
  await syncing(path, 'r', async () => undefined);
}

type Handle = Awaited<ReturnType<typeof open>>;

async function syncing(path: string, flags: string, act: (file: Handle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await act(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
