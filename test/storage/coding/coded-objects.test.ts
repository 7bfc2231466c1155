import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { CodedStorage } from '../../../src/storage/coding/coded-storage.ts';
import { Keys } from '../../../src/storage/coding/keys.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { rejectsWith, storageContract, temporaryDirectory } from '../contract.ts';
import { openAt, startVersitygw, VERSITYGW, type S3Server } from '../versitygw.ts';
import { keyLine } from './coded-place.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;

let server: S3Server;
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 'coded-s3-'));

anyTest.before(async () => {
  if (VERSITYGW !== null) server = await startVersitygw(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(t: ExecutionContext): Promise<Storage> {
  const work = await temporaryDirectory(t);
  await writeFile(join(work, 'keys'), keyLine('2026-11'), { mode: 0o600 });
  const keys = new Keys(`file:${work}/keys`, { sandbox: work });
  return new CodedStorage(await openAt(server, pool), { url: 's3://…', pool, compression: 'zstd', keys });
}

if (VERSITYGW !== null) {
  storageContract('compressed and encrypted in S3', { links: 'REFERENCED', growing: 64 * 1024 ** 2 }, open);
}

test('a file of many parts and frames comes back from S3, and not when one part is of another file', async (t) => {
  const storage = await open(t);
  const work = await temporaryDirectory(t);
  const put = async (key: string) => {
    await writeFile(join(work, 'source'), randomBytes(30 * 1024 ** 2));
    return storage.putFile(key, join(work, 'source'));
  };
  const [one] = [await put('a/one'), await put('a/other')];
  t.is(one.encoding?.compression, undefined, 'noise is not compressed');
  t.deepEqual(await storage.checksum('a/one', { encoding: one.encoding }), one);
  const bytes = async (key: string): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of (await storage.readStream(key)) ?? []) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  };
  const [mine, others] = [await bytes('a/one'), await bytes('a/other')];
  t.is(one.encoding?.stored, mine.length);
  others.copy(mine, 20 * 1024 ** 2, 20 * 1024 ** 2, 21 * 1024 ** 2);
  await storage.putStream(
    'a/one',
    (async function* () {
      yield mine;
    })(),
  );
  await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile('a/one', join(work, 'target'), one));
});
