import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { temporaryName } from '../copy-target.ts';
import type { StoredFile, TransferOptions } from '../storage.ts';

/** What the bytes are that come. */
export async function factsOf(content: AsyncIterable<Buffer>, options: TransferOptions = {}): Promise<StoredFile> {
  const hash = createHash('sha256');
  const facts = { size: 0, crc32: 0 };
  for await (const chunk of content) {
    options.signal?.throwIfAborted();
    hash.update(chunk);
    facts.crc32 = crc32(chunk, facts.crc32);
    facts.size += chunk.length;
    options.onBytes?.(chunk.length);
  }
  return { size: facts.size, sha256: hash.digest('hex'), crc32: facts.crc32 };
}

/** Writes what comes beside its place, and lets it appear there where it is what was expected. Otherwise returns what it is, and leaves nothing. */
export async function writeExpected(
  content: AsyncIterable<Buffer>,
  targetPath: string,
  expected: { size: number; sha256: string },
  options?: TransferOptions,
): Promise<StoredFile | null> {
  await mkdir(dirname(targetPath), { recursive: true });
  const temporary = join(dirname(targetPath), temporaryName());
  try {
    const file = await open(temporary, 'wx');
    const written = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of content) {
        await file.writeFile(chunk);
        yield chunk;
      }
    };
    try {
      const facts = await factsOf(written(), options);
      if (facts.size !== expected.size || facts.sha256 !== expected.sha256) return facts;
    } finally {
      await file.close();
    }
    await rename(temporary, targetPath);
    return null;
  } finally {
    await rm(temporary, { force: true });
  }
}
