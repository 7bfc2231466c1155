import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { storageContract, temporaryDirectory } from '../contract.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

/** Opens a directory of the test's own, with a key of its own where the options want one. */
async function openAt(t: ExecutionContext, options: string): Promise<Storage> {
  const work = await temporaryDirectory(t);
  await writeFile(join(work, 'keys'), `2026-11 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const location = `file://${work}/backup?${options.replace('KEYS', join(work, 'keys'))}`;
  return openStorage(location, { pool, baseDirectory: '/', create: true });
}

for (const options of ['compression=zstd', 'encryption=file:KEYS', 'compression=zstd&encryption=file:KEYS']) {
  storageContract(options, { links: 'LINKED', growing: 64 * 1024 ** 2 }, (t) => openAt(t, options));
}
