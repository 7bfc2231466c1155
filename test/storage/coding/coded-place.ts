import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { CopyPool } from '../../../src/storage/copy-pool.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage, StoredFile } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../contract.ts';

/** A line of a file of keys. */
export const keyLine = (id: string): string => `${id} ${randomBytes(32).toString('base64')}\n`;

/** A directory for backups with a file of keys beside it. */
export interface CodedPlace {
  work: string;
  keys: string;
  /** Opens it anew, with options in which `KEYS` stands for the file of keys. */
  open(options: string): Promise<Storage>;
  /** Stores some content under a key. */
  put(storage: Storage, key: string, content: Buffer): Promise<StoredFile>;
  /** Content of a stored file as it is brought to its use. */
  get(storage: Storage, key: string, stored: StoredFile): Promise<Buffer>;
  /** Where a key lies. */
  path(key: string): string;
}

export async function codedPlace(
  t: ExecutionContext,
  pool: CopyPool,
  keyText = keyLine('2026-11'),
): Promise<CodedPlace> {
  const work = await temporaryDirectory(t);
  const keys = join(work, 'keys');
  writeFileSync(keys, keyText, { mode: 0o600 });
  return {
    work,
    keys,
    open: (options) =>
      openStorage(`file://${work}/backup?${options.replace('KEYS', keys)}`, {
        pool,
        baseDirectory: work,
        create: true,
      }),
    async put(storage, key, content) {
      await writeFile(join(work, 'source'), content);
      return storage.putFile(key, join(work, 'source'));
    },
    async get(storage, key, stored) {
      const target = join(work, `target-${randomBytes(8).toString('hex')}`);
      await storage.getFile(key, target, stored);
      return readFile(target);
    },
    path: (key) => join(work, 'backup', key),
  };
}
