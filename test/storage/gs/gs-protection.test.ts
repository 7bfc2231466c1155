import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { parseGsLocation } from '../../../src/storage/gs/gs-location.ts';
import { startFaultProxy } from '../../helpers/fault-proxy.ts';
import { temporaryDirectory } from '../contract.ts';
import { FAKE_GCS, openGsAt, startFakeGcs, type GcsServer } from '../fake-gcs.ts';

const test = FAKE_GCS === null ? anyTest.skip : anyTest;
const KEY = 'projects/p/locations/eu/keyRings/r/cryptoKeys/backup';
const pool = createCopyPool();
let server: GcsServer;

anyTest.before(async () => {
  if (FAKE_GCS !== null) server = await startFakeGcs(null);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
});

const parse = (query: string) => parseGsLocation(`gs://bucket/prefix?${query}`);

anyTest('a location says in which class and by whose key objects are kept', (t) => {
  t.like(parse(`storageClass=NEARLINE&kmsKey=${KEY}`), { storageClass: 'NEARLINE', kmsKey: KEY });
  t.like(parse('project=backups'), { storageClass: null, kmsKey: null });
  t.throws(() => parse('storageClass=STANDARD_IA'), { message: /storageClass: one of STANDARD, NEARLINE/ });
  t.throws(() => parse('kmsKey=backup'), { message: /kmsKey: a key as projects/ });
});

test('each object is sent with what the location says, whether whole, in chunks or as a copy', async (t) => {
  const work = await temporaryDirectory(t);
  const proxy = await startFaultProxy(t, server.endpoint);
  const bucket = `b-${randomUUID()}`;
  const options = `&createBucket=true&storageClass=NEARLINE&kmsKey=${KEY}`;
  const storage = await openGsAt({ endpoint: proxy.url }, pool, { bucket, options });
  const classOf = async (key: string): Promise<unknown> => {
    const name = encodeURIComponent(`a/prefix/${key}`);
    const answer = await fetch(`${server.endpoint}/storage/v1/b/${bucket}/o/${name}`);
    return ((await answer.json()) as { storageClass?: string }).storageClass;
  };
  await writeFile(join(work, 'small'), 'small');
  await writeFile(join(work, 'big'), randomBytes(9 * 1024 ** 2));
  await storage.putFile('c/n/b/ks/t/small', join(work, 'small'));
  await storage.putFile('c/n/b/ks/t/big', join(work, 'big'));
  await storage.putDocument('c/n/b/manifest.json', 'document');
  t.is(await classOf('c/n/b/ks/t/small'), 'NEARLINE');
  t.is(await classOf('c/n/b/ks/t/big'), 'NEARLINE');
  // A document is replaced again and again, which a cold class charges for.
  t.not(await classOf('c/n/b/manifest.json'), 'NEARLINE');
  await storage.moveFolder('c/n/b/', 'c/m/b/');
  t.is(await storage.getDocument('c/m/b/manifest.json'), 'document');
  const made = proxy.seen.filter(({ method, path }) => method === 'POST' && path.includes('/o'));
  const keys = made.map(({ query }) => query.get('kmsKeyName') ?? query.get('destinationKmsKeyName'));
  t.deepEqual(
    keys,
    Array.from({ length: 6 }, () => KEY),
  );
});
