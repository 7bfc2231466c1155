import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './copy-target.ts';
import { mayMove } from './objects/transfer.ts';
import { endable } from './objects/watch.ts';
import type { TransferOptions } from './storage.ts';
import type { Throttle } from './throttle.ts';

/** Bytes that are read in one go. */
const CHUNK = 1024 * 1024;

/** Bytes that may wait in the page cache for the disk: a flush at the end need not write hours' worth of them. */
const UNSYNCED = 32 * 1024 * 1024;

/** Writes what comes to a file that appears under its name when all of it is there. Its bytes. Throws the system's error. */
export async function writeStream(
  path: string,
  content: AsyncIterable<Buffer>,
  throttle: Throttle,
  { signal, onBytes }: TransferOptions = {},
): Promise<number> {
  const temporary = join(dirname(path), temporaryName());
  const ending = endable(signal).signal;
  let size = 0;
  try {
    const file = await open(temporary, 'wx');
    try {
      let unsynced = 0;
      for await (const chunk of content) {
        await mayMove({ throttle }, chunk.length, ending);
        ending.throwIfAborted();
        await file.writeFile(chunk);
        size += chunk.length;
        unsynced += chunk.length;
        if (unsynced >= UNSYNCED) {
          await file.datasync();
          unsynced = 0;
        }
        onBytes?.(chunk.length);
      }
    } finally {
      await file.close();
    }
    ending.throwIfAborted();
    await rename(temporary, path);
    return size;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Reads a file in order. It is opened when the first byte is asked for. Throws the system's error. */
export async function* readStream(
  path: string,
  throttle: Throttle,
  { signal, onBytes }: TransferOptions = {},
): AsyncGenerator<Buffer> {
  const ending = endable(signal).signal;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      ending.throwIfAborted();
      // Another one each time: who reads may keep what it was given.
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      await mayMove({ throttle }, bytesRead, ending);
      yield buffer.subarray(0, bytesRead);
      onBytes?.(bytesRead);
    }
  } finally {
    await file.close();
  }
}
