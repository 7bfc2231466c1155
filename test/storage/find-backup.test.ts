import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { fileKey, recordKey } from '../../src/storage/layout.ts';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryDirectory } from './contract.ts';
import { NODE, exampleRecord } from './documents.ts';

const pool = createCopyPool();
test.after.always(() => pool.close());

async function emptyStorage(t: ExecutionContext): Promise<Storage> {
  return openFileStorage(join(await temporaryDirectory(t), 'root'), pool, true);
}

test('a backup whose record says SUCCESS is complete', async (t) => {
  const storage = await emptyStorage(t);
  const text = stringifyRecord(exampleRecord());
  await storage.putDocument(recordKey('dev', 'b-0'), text);
  t.deepEqual(await findBackup(storage, 'dev', 'b-0'), {
    state: 'COMPLETE',
    record: exampleRecord(),
    sha256: sha256Of(text),
    message: null,
  });
});

test('a partial backup says what is missing', async (t) => {
  const storage = await emptyStorage(t);
  const missing = [
    { executorId: 'n1', keyspace: null, reason: 'the node is down' },
    { executorId: 'n2', keyspace: 'ks', reason: 'no space' },
  ];
  const record = { ...exampleRecord(), result: 'PARTIAL' as const, missing };
  await storage.putDocument(recordKey('dev', 'b-0'), stringifyRecord(record));
  const found = await findBackup(storage, 'dev', 'b-0');
  t.is(found.state, 'PARTIAL');
  t.deepEqual(found.record, record);
  t.regex(found.message ?? '', /n1: the node is down; n2, keyspace ks: no space/);
});

test('files of a node without the record are an incomplete backup', async (t) => {
  const storage = await emptyStorage(t);
  await storage.putDocument(fileKey('dev', NODE, 'b-0', 'ks/t/nb-1-big-Data.db'), 'data');
  const found = await findBackup(storage, 'dev', 'b-0');
  t.like(found, { state: 'INCOMPLETE', record: null });
  t.regex(found.message ?? '', new RegExp(`${NODE}.*dev/backups/b-0\\.json was never written`));
});

test('a name that nothing has is absent, whatever else is there', async (t) => {
  const storage = await emptyStorage(t);
  t.like(await findBackup(storage, 'dev', 'b-0'), { state: 'ABSENT', record: null });
  await storage.putDocument(recordKey('dev', 'b-00'), stringifyRecord({ ...exampleRecord(), name: 'b-00' }));
  await storage.putDocument(fileKey('dev', NODE, 'b-00', 'file'), 'data');
  await storage.putDocument(recordKey('other', 'b-0'), stringifyRecord({ ...exampleRecord(), cluster: 'other' }));
  await storage.putDocument(fileKey('other', NODE, 'b-0', 'file'), 'data');
  t.like(await findBackup(storage, 'dev', 'b-0'), { state: 'ABSENT', record: null });
});

test('a record that is broken or of another backup is damaged', async (t) => {
  const storage = await emptyStorage(t);
  const texts = [
    '{',
    '{"version":2}',
    stringifyRecord({ ...exampleRecord(), name: 'b-1' }),
    stringifyRecord({ ...exampleRecord(), cluster: 'other' }),
  ];
  for (const text of texts) {
    await storage.putDocument(recordKey('dev', 'b-0'), text);
    const found = await findBackup(storage, 'dev', 'b-0');
    t.like(found, { state: 'DAMAGED', record: null });
    t.regex(found.message ?? '', /dev\/backups\/b-0\.json/);
  }
});

test('a name that is none is refused', async (t) => {
  await t.throwsAsync(findBackup(await emptyStorage(t), 'dev', '../b'), { code: 'NAME_INVALID' });
});
