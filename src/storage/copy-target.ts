import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TEMPORARY_PREFIX } from './layout.ts';

const { O_WRONLY, O_CREAT } = fs.constants;
const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } = fs.constants;

/** Zero where the system has no direct writes. */
const O_DIRECT: number = fs.constants.O_DIRECT ?? 0;

/** Files from this size on are written past the page cache; below it the wait for the disk costs more. */
const DIRECT_FROM = 1024 * 1024;

/** Below it a write into the page cache is done before another thread could begin. */
const INLINE_BELOW = 128 * 1024;

/** Direct writes want lengths and offsets in whole blocks; 4096 is right for all common disks. */
const BLOCK = 4096;

/** Pairs of file systems between which blocks cannot be shared. */
const withoutReflink = new Set<string>();

const write = promisify(fs.write);

/** A new file in the making: a temporary beside its final place, which `commit` renames. */
export class CopyTarget {
  /** True when the file system shares the source's blocks with it: nothing is left to be written. */
  readonly cloned: boolean;
  readonly temporary: string;
  readonly #path: string;
  #fd: number | null = null;
  #direct = false;
  /** More may have been written than the file's size. */
  #padded = false;
  #committed = false;

  constructor(path: string, source: { path: string; size: number; device: number }) {
    this.#path = path;
    this.temporary = join(dirname(path), temporaryName());
    this.cloned = source.size >= DIRECT_FROM && clone(source, this.temporary);
    if (!this.cloned) this.#open(source.size >= DIRECT_FROM && O_DIRECT !== 0);
  }

  /**
   * Writes the first `length` bytes of a buffer at `position`, which is in whole blocks. Where the file system
   * turns out to refuse direct writes, the rest goes through the page cache.
   */
  async write(buffer: Buffer, length: number, position: number): Promise<void> {
    if (!this.#direct) return this.#writeAll(buffer, length, position);
    try {
      // The last block is written whole and cut off in commit().
      this.#padded = true;
      await this.#writeAll(buffer, Math.ceil(length / BLOCK) * BLOCK, position);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.#close();
      this.#open(false);
      await this.#writeAll(buffer, length, position);
    }
  }

  /** Lets the file appear under its name. */
  commit(size: number): void {
    if (this.#padded && this.#fd !== null && size % BLOCK !== 0) fs.ftruncateSync(this.#fd, size);
    this.#close();
    fs.renameSync(this.temporary, this.#path);
    this.#committed = true;
  }

  /** Removes what was not committed. */
  discard(): void {
    this.#close();
    if (!this.#committed) fs.rmSync(this.temporary, { force: true });
  }

  #open(direct: boolean): void {
    try {
      this.#fd = fs.openSync(this.temporary, O_WRONLY | O_CREAT | (direct ? O_DIRECT : 0), 0o666);
      this.#direct = direct;
    } catch (error) {
      // A file system without direct writes may have made the file all the same, hence no O_EXCL.
      if (!direct || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      this.#open(false);
    }
  }

  async #writeAll(buffer: Buffer, length: number, position: number): Promise<void> {
    const fd = this.#fd!;
    const inline = length < INLINE_BELOW;
    for (let done = 0; done < length;) {
      done += inline
        ? fs.writeSync(fd, buffer, done, length - done, position + done)
        : (await write(fd, buffer, done, length - done, position + done)).bytesWritten;
    }
  }

  #close(): void {
    if (this.#fd !== null) fs.closeSync(this.#fd);
    this.#fd = null;
  }
}

/** A name for an unfinished file that no key can have. */
export function temporaryName(): string {
  return `${TEMPORARY_PREFIX}${randomUUID()}`;
}

/** Shares the source's blocks where the file system can (XFS, Btrfs, …); asks each pair of file systems once. */
function clone(source: { path: string; device: number }, target: string): boolean {
  const pair = `${source.device}:${fs.statSync(dirname(target)).dev}`;
  if (withoutReflink.has(pair)) return false;
  try {
    fs.copyFileSync(source.path, target, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // Whatever the reason, the ordinary copy follows and reports what is really wrong.
    withoutReflink.add(pair);
    fs.rmSync(target, { force: true });
    return false;
  }
}
