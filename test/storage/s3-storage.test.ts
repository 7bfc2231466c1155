import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { MemoryBudget } from '../../src/storage/memory-budget.ts';
import { parseS3Location } from '../../src/storage/s3-location.ts';
import { openS3Storage } from '../../src/storage/s3-storage.ts';
import { storageContract } from './contract.ts';
import { KEY, startVersitygw, type S3Server } from './versitygw.ts';

let server: S3Server;
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 's3-test-'));
const env = { S3_ACCESS_KEY_ID: KEY.id, S3_SECRET_ACCESS_KEY: KEY.secret };

test.before(async () => {
  server = await startVersitygw(join(homedir(), 'go/bin/versitygw'), directory);
});

test.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

storageContract('S3', { links: 'REFERENCED' }, () => {
  const location = parseS3Location(
    `s3://b-${randomUUID()}/a/prefix?endpoint=${server.endpoint}&region=us-east-1&credentials=env:S3_&createBucket=true`,
  );
  return openS3Storage(location, { pool, memory: new MemoryBudget(64 * 1024 ** 2), env, create: true });
});
