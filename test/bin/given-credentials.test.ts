import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { BackupLocations } from '../../src/bin/backup-locations.ts';
import { renameDirectly } from '../../src/bin/rename-directly.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openAt, startVersitygw, VERSITYGW } from '../storage/versitygw.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;
const KEY = { id: 'another-key', secret: 'geheim' };
const GIVEN = { ACCESS_KEY_ID: KEY.id, SECRET_ACCESS_KEY: KEY.secret };
const RENAMING = { from: 'cassandra.dev.node.0.executor', to: 'cassandra.dev.node.1.executor', dryRun: true };

test("a store is looked into with the credentials of the request, and with nobody else's", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'given-'));
  const server = await startVersitygw(directory, [], KEY);
  const pool = createCopyPool(1);
  t.teardown(async () => {
    await pool.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const storage = await openAt(server, pool, { bucket: 'given', key: KEY });
  await storage.putDocument('dev/backups/monday.deleting', '{}');
  const location = `s3://given/a/prefix?endpoint=${encodeURIComponent(server.endpoint)}&region=us-east-1`;
  const reader = new BackupLocations('dev', new AbortController().signal);

  const wrong = { ...GIVEN, SECRET_ACCESS_KEY: 'another' };
  t.is((await reader.find(location, 'tuesday', GIVEN)).state, 'ABSENT');
  t.is((await reader.find(location, 'tuesday', wrong)).state, 'UNKNOWN');
  t.true((await reader.list(location, GIVEN)).seen);
  t.true((await reader.foreign(location, GIVEN)).seen);
  const unseen = await reader.list(location, wrong);
  t.false(unseen.seen);
  t.notRegex(JSON.stringify(unseen), /geheim/);

  await t.throwsAsync(renameDirectly({ ...RENAMING, location, credentials: GIVEN }), { code: 'BACKUP_NOT_FOUND' });
  await t.throwsAsync(renameDirectly({ ...RENAMING, location: directory, credentials: GIVEN }), {
    code: 'BAD_REQUEST',
    message: /no credentials for a location that is a directory/,
  });
});
