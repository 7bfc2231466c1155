import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { CopyTarget } from './copy-target.ts';
import type { StoredFile } from './storage.ts';

/** Copies `source` to `target` by way of a temporary; without a target the source is only read. */
export interface CopyJob {
  source: string;
  target: string | null;
  /** Null: whatever the source holds is right. Otherwise the target appears only when it matches. */
  expected: { size: number; sha256: string } | null;
}

/** `mismatch`: the source is not what was expected. `resized`: it changed under the copy. Neither leaves a target. */
export type CopyResult =
  | { outcome: 'done'; file: StoredFile }
  | { outcome: 'mismatch'; size: number; sha256: string | null }
  | { outcome: 'resized'; before: number; after: number };

export interface CopyControl {
  /** Asked before each chunk of up to so many bytes: how many of them may be moved now. Throws to stop. */
  allow(bytes: number): Promise<number> | number;
  onBytes(bytes: number): void;
}

/** Bytes that are written in one go. On a slow disk (20 MB/s) that is 50 ms. */
const CHUNK = 1024 * 1024;

/** Bytes that are read and hashed in one go: they fit into a core's own cache, which saves an eighth of the time. */
const PIECE = 128 * 1024;

// TypeScript has it among the types of browsers only.
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** Two chunks at addresses that direct writes accept: a WebAssembly memory begins on a page. */
export function allocateBuffers(): [Buffer, Buffer] {
  const pages = (2 * CHUNK) / 65_536;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return [Buffer.from(buffer, 0, CHUNK), Buffer.from(buffer, CHUNK, CHUNK)];
}

/**
 * Copies one file and computes its checksums from the very bytes that are written. While one buffer is being
 * written, the other is filled and hashed. Throws the system's error.
 */
export async function copyFile(job: CopyJob, buffers: [Buffer, Buffer], control: CopyControl): Promise<CopyResult> {
  const source = fs.openSync(job.source, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  let target: CopyTarget | null = null;
  try {
    const { size, dev } = fs.fstatSync(source);
    if (job.expected && job.expected.size !== size) return { outcome: 'mismatch', size, sha256: null };
    if (job.target !== null) target = new CopyTarget(job.target, { path: job.source, size, device: dev });
    const file = target?.cloned
      ? await readClone(target.temporary, size, buffers, control)
      : await pump({ fd: source, size }, target, buffers, control);
    const after = fs.fstatSync(source).size;
    if (after !== size || file.size !== size) return { outcome: 'resized', before: size, after };
    if (job.expected && job.expected.sha256 !== file.sha256) return { outcome: 'mismatch', ...file };
    target?.commit(size);
    return { outcome: 'done', file };
  } finally {
    target?.discard();
    fs.closeSync(source);
  }
}

async function readClone(
  path: string,
  size: number,
  buffers: [Buffer, Buffer],
  control: CopyControl,
): Promise<StoredFile> {
  const fd = fs.openSync(path, 'r');
  try {
    return await pump({ fd, size }, null, buffers, control);
  } finally {
    fs.closeSync(fd);
  }
}

/** Stops at the size that the source had when it was opened, or where it ends before that. */
async function pump(
  source: { fd: number; size: number },
  target: CopyTarget | null,
  buffers: [Buffer, Buffer],
  control: CopyControl,
): Promise<StoredFile> {
  const sums = { sha256: createHash('sha256'), crc32: 0 };
  let size = 0;
  let writing: Promise<void> | undefined;
  try {
    for (let turn: 0 | 1 = 0; size < source.size; turn = turn === 0 ? 1 : 0) {
      const allowed = await control.allow(Math.min(CHUNK, source.size - size));
      const length = fill(source.fd, size, buffers[turn].subarray(0, allowed), sums);
      if (length === 0) break;
      await writing;
      // Without a write the thread's other file gets its turn all the same.
      writing = target ? target.write(buffers[turn], length, size) : setImmediate();
      size += length;
      control.onBytes(length);
    }
    await writing;
  } finally {
    // The descriptor must not be closed under a write; its error, if any, was thrown above.
    await Promise.allSettled([writing]);
  }
  return { size, sha256: sums.sha256.digest('hex'), crc32: sums.crc32 };
}

/** Reads until the buffer is full or the file ends, and hashes each piece while it is in the processor's cache. */
function fill(fd: number, position: number, buffer: Buffer, sums: { sha256: Hash; crc32: number }): number {
  let length = 0;
  while (length < buffer.length) {
    const wanted = Math.min(PIECE, buffer.length - length);
    const got = fs.readSync(fd, buffer, length, wanted, position + length);
    if (got === 0) break;
    const piece = buffer.subarray(length, length + got);
    sums.sha256.update(piece);
    sums.crc32 = crc32(piece, sums.crc32);
    length += got;
  }
  return length;
}
