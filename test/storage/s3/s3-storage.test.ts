import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import anyTest from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { networkAgents } from '../../../src/storage/network.ts';
import { createS3Client } from '../../../src/storage/s3/s3-client.ts';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';
import type { SweepOptions } from '../../../src/storage/storage.ts';
import { freePort } from '../../helpers/free-port.ts';
import { factsOf, rejectsWith, storageContract, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';
import { KEY, openAt, startVersitygw, VERSITYGW, type S3Server } from '../versitygw.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;

let server: S3Server;
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 's3-test-'));

anyTest.before(async () => {
  if (VERSITYGW === null) return;
  server = await startVersitygw(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

if (VERSITYGW !== null) storageContract('S3', { links: 'REFERENCED' }, () => openAt(server, pool));

test('a file of many parts comes back as it was', async (t) => {
  const work = await temporaryDirectory(t);
  const storage = await openAt(server, pool);
  const content = randomBytes(20 * 1024 ** 2 + 7);
  await writeFile(join(work, 'source'), content);
  const stored = await storage.putFile('c/n/b/big', join(work, 'source'));
  t.deepEqual(stored, factsOf(content));
  t.deepEqual(await storage.checksum('c/n/b/big'), stored);
  await storage.getFile('c/n/b/big', join(work, 'target'), stored);
  t.true(content.equals(await readFile(join(work, 'target'))));
});

test('uploads of ours that were never ended are ended, those of others in the bucket never', async (t) => {
  const bucket = `b-${randomUUID()}`;
  const storage = await openAt(server, pool, { bucket });
  const location = parseS3Location(`s3://${bucket}?endpoint=${server.endpoint}&region=us-east-1&credentials=env:S3_`);
  const env = { S3_ACCESS_KEY_ID: KEY.id, S3_SECRET_ACCESS_KEY: KEY.secret };
  const agents = await networkAgents(location.network, env);
  const client = createS3Client(location, { places: { env, sandbox: '/nowhere' }, agents, patient: true });
  t.teardown(() => client.destroy());
  for (const Key of ['a/prefix/c/n/b/ours', 'a/prefix/cc/other-cluster', 'a/other', 'other']) {
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
  }
  const sweep = async (prefix: string, options: SweepOptions): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of storage.sweepUnfinished(prefix, options)) found.push(key);
    return found;
  };
  const later = Date.now() + 60_000;
  t.deepEqual(await sweep('c/', { before: 0, dryRun: false }), []);
  t.deepEqual(await sweep('', { before: later, dryRun: false }), []);
  t.deepEqual(await sweep('c/', { before: later, dryRun: true }), ['c/n/b/ours']);
  t.deepEqual(await sweep('c/', { before: later, dryRun: false }), ['c/n/b/ours']);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  const left = new Set(Uploads.map(({ Key }) => Key));
  t.deepEqual(left, new Set(['a/other', 'a/prefix/cc/other-cluster', 'other']));
});

test('a folder that is moved is whole under its new name, also where the move was cut short', async (t) => {
  const storage = await openAt(server, pool);
  const keys = async (): Promise<string[]> => (await listed(storage)).map(({ key }) => key);
  for (const key of ['c/old/b/1', 'c/old/b/ü x/2']) await storage.putDocument(key, key);
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
  t.is(await storage.getDocument('c/new/b/ü x/2'), 'c/old/b/ü x/2');
  t.false(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  // As after a cut: one was not deleted yet.
  await storage.putDocument('c/old/b/1', 'c/old/b/1');
  t.true(await storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2']);
  await storage.putDocument('c/old/b/3', 'another');
  await rejectsWith(t, 'NAME_TAKEN', storage.moveFolder('c/old/b/', 'c/new/b/'));
  t.deepEqual(await keys(), ['c/new/b/1', 'c/new/b/ü x/2', 'c/old/b/3']);
});

test('no more is sent in a second than was allowed', async (t) => {
  const work = await temporaryDirectory(t);
  const slow = createCopyPool(1);
  t.teardown(() => slow.close());
  const storage = await openAt(server, slow);
  await writeFile(join(work, 'source'), '');
  await truncate(join(work, 'source'), 4 * 1024 ** 2);
  slow.throttle.rate = 4 * 1024 ** 2;
  const began = Date.now();
  await storage.putFile('c/slow', join(work, 'source'));
  t.true(Date.now() - began >= 500);
});

test('what is wrong with a place is said with what to change', async (t) => {
  const missing = await rejectsWith(t, 'STORAGE_FAILED', openAt(server, pool, { options: '' }));
  t.regex(missing.message, /looking at s3:\/\/b-.*NoSuchBucket/);
  t.regex(missing.hint ?? '', /createBucket=true/);
  const unknown = await rejectsWith(t, 'STORAGE_FAILED', openAt(server, pool, { key: { ...KEY, id: 'nobody' } }));
  t.regex(unknown.hint ?? '', /key/);
  const wrong = await rejectsWith(t, 'STORAGE_FAILED', openAt(server, pool, { key: { ...KEY, secret: 'hidden' } }));
  t.regex(wrong.hint ?? '', /key/);
  t.notRegex(wrong.message, /hidden/);
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const unreachable = await rejectsWith(t, 'STORAGE_UNAVAILABLE', openAt({ endpoint }, pool, { patient: false }));
  t.regex(unreachable.hint ?? '', /endpoint/);
  const regionless = t.throws(() => parseS3Location('s3://bucket?endpoint=http://127.0.0.1:1'), {
    code: 'BAD_REQUEST',
  });
  t.regex(regionless?.message ?? '', /region/);
});

test('a store that is busy for a moment is asked again', async (t) => {
  let asked = 0;
  const busy = createServer((request, response) => {
    request.resume();
    asked += 1;
    if (asked <= 2) response.writeHead(503, { 'retry-after': '0' }).end('<Error><Code>SlowDown</Code></Error>');
    else response.writeHead(200).end('<ListBucketResult/>');
  });
  busy.listen(0, '127.0.0.1');
  await once(busy, 'listening');
  t.teardown(() => busy.close());
  const endpoint = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
  await t.notThrowsAsync(openAt({ endpoint }, pool, { options: '' }));
  t.is(asked, 3);
});

test('a document that others replace all the time is read whole each time', async (t) => {
  const storage = await openAt(server, pool);
  const texts = Array.from({ length: 40 }, (_, length) => 'x'.repeat(length + 1));
  await storage.putDocument('c/lock', 'x');
  const writing = (async () => {
    for (const text of texts) await storage.putDocument('c/lock', text);
  })();
  const reads = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const seen: (string | null)[] = [];
      for (let count = 0; count < 20; count += 1) seen.push(await storage.getDocument('c/lock'));
      return seen;
    }),
  );
  await writing;
  for (const seen of reads.flat()) t.regex(seen ?? 'gone', /^x+$/);
});
