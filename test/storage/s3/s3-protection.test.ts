import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectTaggingCommand, HeadObjectCommand, PutObjectLegalHoldCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import anyTest, { type ExecutionContext } from 'ava';
import { nodeDelete } from '../../../src/executor/node-delete.ts';
import { nodePrune } from '../../../src/executor/node-prune.ts';
import { nodeSweep } from '../../../src/executor/node-sweep.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { findBackup } from '../../../src/storage/find-backup.ts';
import { renameExecutor } from '../../../src/storage/rename-executor.ts';
import { refuseRetained } from '../../../src/storage/retention.ts';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';
import { startFaultProxy } from '../../helpers/fault-proxy.ts';
import { backUp, EXECUTOR_ID, makeHost, manifestOf, storePart, type Host } from '../../helpers/step-context.ts';
import { rejectsWith, temporaryDirectory } from '../contract.ts';
import { listed } from '../listed.ts';
import { KEY, openAt, startVersitygw, VERSITYGW, type S3Server } from '../versitygw.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;
const DAY_MS = 24 * 60 * 60 * 1000;
const FILE = 'c/n/b/ks/t/nb-1-big-Data.db';

const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 's3-protection-test-'));
let server: S3Server;

anyTest.before(async () => {
  if (VERSITYGW === null) return;
  const versions = join(directory, 'versions');
  mkdirSync(versions);
  server = await startVersitygw(directory, ['--keep-alive', 'posix', '--versioning-dir', versions]);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

function clientOf(t: ExecutionContext): S3Client {
  const credentials = { accessKeyId: KEY.id, secretAccessKey: KEY.secret };
  const { endpoint } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  t.teardown(() => client.destroy());
  return client;
}

const protectionOf = (query: string) => parseS3Location(`s3://bucket/prefix?${query}`).protection;

anyTest('a location says how objects are kept', (t) => {
  const query = 'bucketKey=true&kmsKey=arn:aws:kms:eu-central-1:1:key/2-3&sse=aws:kms&storageClass=STANDARD_IA';
  t.like(protectionOf(query), {
    sse: 'aws:kms',
    kmsKey: 'arn:aws:kms:eu-central-1:1:key/2-3',
    bucketKey: true,
    storageClass: 'STANDARD_IA',
  });
  const more = 'acl=bucket-owner-full-control&objectLock=COMPLIANCE&objectLockDays=35&tags=team:db,cost%20centre:a:b';
  t.like(protectionOf(more), { objectLock: 'COMPLIANCE', objectLockDays: 35, tags: 'team:db,cost centre:a:b' });
  const { url } = parseS3Location(`s3://bucket/prefix?${more}`);
  t.is(parseS3Location(url).url, url);
});

anyTest('what cannot be, or does not fit together, is refused by its name', (t) => {
  for (const [query, expected] of [
    ['sse=AES128', /sse: AES256, aws:kms/],
    ['kmsKey=alias/backup', /sse=aws:kms with kmsKey/],
    ['sse=AES256&kmsKey=alias/backup', /sse=aws:kms with kmsKey/],
    ['bucketKey=true', /sse=aws:kms with bucketKey/],
    ['sse=aws:kms:dsse&bucketKey=true', /sse=aws:kms with bucketKey/],
    ['storageClass=GLACIER', /storageClass: a class whose objects can be read at once/],
    ['storageClass=two words', /storageClass: a storage class/],
    ['tags=team', /tags: at most 10 of key:value/],
    [`tags=${Array.from({ length: 11 }, (_, index) => `k${index}:v`).join(',')}`, /tags: at most 10/],
    ['acl=public-read', /acl: private/],
    ['objectLock=FOREVER&objectLockDays=1', /objectLock: GOVERNANCE or COMPLIANCE/],
    ['objectLock=COMPLIANCE', /objectLockDays=… with objectLock/],
    ['objectLockDays=7', /objectLock=… with objectLockDays/],
    ['objectLock=COMPLIANCE&objectLockDays=0', /objectLockDays: a number of days/],
    ['objectLock=COMPLIANCE&objectLockDays=36501', /objectLockDays: a number of days/],
  ] as const) {
    const error = t.throws(() => protectionOf(query), { code: 'BAD_REQUEST' });
    t.regex(error?.message ?? '', expected);
  }
});

test('each object is sent with what the location says, whether whole, in parts or as a copy', async (t) => {
  const work = await temporaryDirectory(t);
  const proxy = await startFaultProxy(t, server.endpoint);
  const options =
    '&createBucket=true&sse=aws:kms&kmsKey=alias/backup&bucketKey=true&storageClass=STANDARD_IA&tags=team:db,cost%20centre:a/b&acl=bucket-owner-full-control&requesterPays=true';
  const bucket = `b-${randomUUID()}`;
  const storage = await openAt({ endpoint: proxy.url }, pool, { bucket, options });
  await writeFile(join(work, 'small'), 'small');
  await writeFile(join(work, 'big'), randomBytes(9 * 1024 ** 2));
  await storage.putFile('c/n/b/ks/t/small', join(work, 'small'));
  await storage.putFile('c/n/b/ks/t/big', join(work, 'big'));
  await storage.putDocument('c/n/b/manifest.json', 'document');
  await storage.moveFolder('c/n/b/', 'c/m/b/');
  const making = proxy.seen.filter(
    ({ method, path, query }) =>
      path.includes('/a/prefix/c/') &&
      (method === 'PUT' ? !query.has('partNumber') : method === 'POST' && query.has('uploads')),
  );
  t.is(making.length, 6);
  t.is(
    proxy.count(({ headers }) => headers['x-amz-request-payer'] === 'requester'),
    proxy.seen.length,
  );
  for (const { headers, path } of making) {
    t.like(headers, {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/backup',
      'x-amz-server-side-encryption-bucket-key-enabled': 'true',
      'x-amz-tagging': 'team=db&cost%20centre=a%2Fb',
      'x-amz-acl': 'bucket-owner-full-control',
    });
    // A document is replaced again and again, which a cheap class charges for.
    t.is(headers['x-amz-storage-class'], path.endsWith('/manifest.json') ? undefined : 'STANDARD_IA');
    t.false('x-amz-object-lock-mode' in headers);
  }
  const Key = 'a/prefix/c/m/b/ks/t/big';
  const { TagSet = [] } = await clientOf(t).send(new GetObjectTaggingCommand({ Bucket: bucket, Key }));
  t.deepEqual(TagSet.map(({ Key: key, Value }) => `${key}:${Value}`).toSorted(), ['cost centre:a/b', 'team:db']);
});

test('files are put under a lock until a date, documents are not', async (t) => {
  const work = await temporaryDirectory(t);
  const bucket = `b-${randomUUID()}`;
  const options = '&createBucket=true&objectLock=GOVERNANCE&objectLockDays=7';
  const storage = await openAt(server, pool, { bucket, options });
  await writeFile(join(work, 'source'), 'content');
  const began = Date.now();
  await storage.putFile(FILE, join(work, 'source'));
  await storage.putDocument('c/backups/lock/1.json', 'one');
  await storage.putDocument('c/backups/lock/1.json', 'two');
  t.is(await storage.getDocument('c/backups/lock/1.json'), 'two');
  t.true(await storage.delete('c/backups/lock/1.json'));
  t.is(await storage.getDocument('c/backups/lock/1.json'), null);
  const head = await clientOf(t).send(new HeadObjectCommand({ Bucket: bucket, Key: `a/prefix/${FILE}` }));
  t.is(head.ObjectLockMode, 'GOVERNANCE');
  const until = head.ObjectLockRetainUntilDate?.getTime() ?? 0;
  t.true(until >= began + 7 * DAY_MS && until <= Date.now() + 7 * DAY_MS + 1000);
  t.is(await storage.retainedUntil('c/n/'), until);
  t.is(await storage.retainedUntil('c/n/', { keep: new Set([FILE]) }), null);
  t.is(await storage.retainedUntil('c/backups/'), null);
  const unlocked = await openAt(server, pool);
  await unlocked.putFile(FILE, join(work, 'source'));
  t.is(await unlocked.retainedUntil('c/n/'), null);
});

test('a lock that the bucket has not is told before anything is sent', async (t) => {
  const bucket = `b-${randomUUID()}`;
  await openAt(server, pool, { bucket });
  const opened = openAt(server, pool, { bucket, options: '&objectLock=GOVERNANCE&objectLockDays=7' });
  const error = await rejectsWith(t, 'STORAGE_FAILED', opened);
  t.regex(error.message, /to have object lock/);
  t.regex(error.hint ?? '', /objectLock/);
});

test('what a new backup refers to is retained for as long as what it brings', async (t) => {
  const work = await temporaryDirectory(t);
  const bucket = `b-${randomUUID()}`;
  const short = await openAt(server, pool, {
    bucket,
    options: '&createBucket=true&objectLock=COMPLIANCE&objectLockDays=1',
  });
  await writeFile(join(work, 'source'), 'content');
  await short.putFile(FILE, join(work, 'source'));
  const first = (await short.retainedUntil('c/')) ?? 0;
  const long = await openAt(server, pool, { bucket, options: '&objectLock=COMPLIANCE&objectLockDays=3' });
  const expected = { size: 7, unchangedSince: Date.now() + DAY_MS };
  t.is(await long.link(FILE, 'c/n/b2/ks/t/nb-1-big-Data.db', expected), 'REFERENCED');
  const second = (await long.retainedUntil('c/')) ?? 0;
  t.true(second >= first + 2 * DAY_MS - 1000 && second <= first + 2 * DAY_MS + 60_000);
  // A shorter one is never asked for: the store would refuse.
  t.is(await short.link(FILE, 'c/n/b3/ks/t/nb-1-big-Data.db', expected), 'REFERENCED');
  t.is(await short.retainedUntil('c/'), second);
});

/** A node whose location is in a bucket with object lock, with a backup `monday`. */
async function retainedHost(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.storage = await openAt(server, host.pool, {
    options: '&createBucket=true&objectLock=COMPLIANCE&objectLockDays=2',
  });
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await backUp(host, { backupName: 'monday', jobUuid: 'job of monday' });
  return host;
}

test('a backup that the store retains is not deleted, not in part either, and the date is told', async (t) => {
  const host = await retainedHost(t);
  const before = await listed(host.storage);
  const context = host.context({ type: 'DELETE', phase: 'delete', jobUuid: 'deletion', force: true });
  const error = await rejectsWith(t, 'BACKUP_RETAINED', nodeDelete(context));
  const date = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
  t.true(error.message.includes(`before ${date}`), error.message);
  t.deepEqual(await listed(host.storage), before);
  t.is((await findBackup(host.storage, 'dev', 'monday')).state, 'COMPLETE');
  const renaming = { cluster: 'dev', from: EXECUTOR_ID, to: 'cassandra.dev.node.9.executor' };
  await rejectsWith(t, 'BACKUP_RETAINED', renameExecutor(host.storage, renaming));
  t.deepEqual(await listed(host.storage), before);
});

test('a pruning goes on after a backup that the store retains, and tells its date', async (t) => {
  const host = await retainedHost(t);
  const context = host.context({ type: 'PRUNE', phase: 'prune', jobUuid: 'pruning', names: ['monday'], force: true });
  await nodePrune(context);
  const { deleted = [], kept = [] } = context.reporter.report.prune ?? {};
  t.deepEqual(deleted, []);
  t.is(kept[0]?.name, 'monday');
  t.regex(kept[0]?.reason ?? '', /before \d{4}-\d\d-\d\dT/);
});

test('a legal hold that somebody else has put on an object keeps its backup too', async (t) => {
  const work = await temporaryDirectory(t);
  const bucket = `b-${randomUUID()}`;
  await openAt(server, pool, { bucket, options: '&createBucket=true&objectLock=GOVERNANCE&objectLockDays=1' });
  const storage = await openAt(server, pool, { bucket });
  await writeFile(join(work, 'source'), 'content');
  await storage.putFile(FILE, join(work, 'source'));
  t.is(await storage.retainedUntil('c/n/'), null);
  const hold = { Bucket: bucket, Key: `a/prefix/${FILE}`, LegalHold: { Status: 'ON' as const } };
  await clientOf(t).send(new PutObjectLegalHoldCommand(hold));
  t.is(await storage.retainedUntil('c/n/'), Infinity);
  const error = await rejectsWith(t, 'BACKUP_RETAINED', refuseRetained(storage, ['c/n/']));
  t.regex(error.message, /c\/n\/ .* while its legal hold stands/);
});

test('a sweep leaves what the store retains, and says so', async (t) => {
  const host = await retainedHost(t);
  host.node.write('shop', 'users', 'grace');
  await storePart(host, { backupName: 'tuesday', jobUuid: 'job of tuesday' });
  const before = await listed(host.storage, `dev/${EXECUTOR_ID}/`);
  const context = host.context({ type: 'SWEEP', phase: 'sweep', jobUuid: 'sweep', graceMs: 0 });
  await nodeSweep(context);
  t.deepEqual(await listed(host.storage, `dev/${EXECUTOR_ID}/`), before);
  const found = context.reporter.report.sweep?.found ?? [];
  t.regex(found.map(({ reason }) => reason).join(), /left as it is.*tuesday.*before \d{4}-/);
});

test('an increment into a bucket with object lock refers to what earlier backups brought', async (t) => {
  const host = await retainedHost(t);
  host.node.write('shop', 'users', 'grace');
  await backUp(host, { backupName: 'tuesday', jobUuid: 'job of tuesday' });
  const { files } = await manifestOf(host, 'tuesday');
  t.true(files.some(({ source }) => source?.includes('/monday/')));
  t.true(files.some(({ source }) => source === undefined));
});
