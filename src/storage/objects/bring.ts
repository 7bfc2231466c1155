import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TEMPORARY_PREFIX } from '../layout.ts';
import { damaged, explained } from '../storage-errors.ts';
import type { TransferOptions } from '../storage.ts';
import { MissingObject, OtherSize, readParts, Replaced } from './download.ts';
import { toldOnce } from './told-once.ts';
import type { Transfer } from './transfer.ts';

interface Expected {
  size: number;
  sha256: string;
}

/**
 * Writes an object to a path, whole or not at all. Throws BACKUP_DAMAGED where it is missing or not what is expected, and NO_SPACE where the file
 * system is full.
 */
export async function bringObject(
  transfer: Transfer,
  key: string,
  targetPath: string,
  expected: Expected,
  options?: TransferOptions,
): Promise<void> {
  const oneMore = toldOnce(options);
  try {
    const first = await downloadTo(transfer, key, targetPath, expected, oneMore()).catch(unlessOther);
    if (first === expected.sha256) return;
    // What was altered or cut on its way is right the second time; what was replaced is one thing or the other.
    const second = await downloadTo(transfer, key, targetPath, expected, oneMore());
    if (second === expected.sha256) return;
    throw damaged(key, expected, `it has ${expected.size} bytes with sha256 ${second}`);
  } catch (error) {
    if (error instanceof OtherSize || error instanceof MissingObject) throw damaged(key, expected, error.message);
    throw error;
  }
}

function unlessOther(error: unknown): null {
  if (error instanceof Replaced || error instanceof OtherSize) return null;
  throw error;
}

/** Writes an object beside its place and lets it appear there when it is what was expected. Its sha256. */
async function downloadTo(
  transfer: Transfer,
  key: string,
  targetPath: string,
  { size, sha256 }: Expected,
  options: TransferOptions,
): Promise<string> {
  const directory = dirname(targetPath);
  const onDisk = <T>(act: () => Promise<T>): Promise<T> =>
    explained({ operation: `bringing ${key} to ${targetPath}`, directory, needed: size }, act);
  const temporary = join(directory, `${TEMPORARY_PREFIX}${randomUUID()}`);
  const hasher = transfer.hashing.hasher(size);
  let isLeft = false;
  try {
    const file = await onDisk(() => create(temporary));
    isLeft = true;
    try {
      for await (const part of readParts(transfer, key, size, options)) {
        await Promise.all([hasher.add(part), onDisk(() => writeAll(file, part))]);
      }
    } finally {
      await file.close();
    }
    const found = await hasher.sha256();
    if (found === sha256) {
      await onDisk(() => rename(temporary, targetPath));
      isLeft = false;
    }
    return found;
  } finally {
    hasher.end();
    if (isLeft) await rm(temporary, { force: true });
  }
}

/** Most files come to a folder that is there already. */
async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'wx');
  }
}

async function writeAll(file: FileHandle, part: Buffer): Promise<void> {
  for (let done = 0; done < part.length;) done += (await file.write(part, done)).bytesWritten;
}
