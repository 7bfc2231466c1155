import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { networkAgents } from '../../../src/storage/network.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { createS3Client } from '../../../src/storage/s3/s3-client.ts';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import type { Match, Reply } from '../../helpers/fault-proxy.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import { faultTest as forAllKinds, type FaultPlace } from '../objects/fault-place.ts';
import { KEY } from '../versitygw.ts';

const MIB = 1024 ** 2;
const LARGE = 17 * MIB;
const FILE = 'c/n/b/file';

function faultTest(title: string, body: (t: ExecutionContext, place: FaultPlace) => Promise<void>): void {
  forAllKinds(title, body, ({ name }) => name === 'S3');
}

async function makeSource({ work }: FaultPlace, size = LARGE): Promise<{ path: string; content: Buffer }> {
  const source = { path: join(work, 'source'), content: randomBytes(size) };
  await writeFile(source.path, source.content);
  return source;
}

/** The SDK's own client of the place, by way of the proxy. */
async function rawClient(t: ExecutionContext, { url, kind, work }: FaultPlace) {
  const location = parseS3Location(url);
  const agents = await networkAgents(location.network, {});
  const client = createS3Client(location, { places: { env: kind.env, sandbox: work }, patient: true, agents });
  t.teardown(() => client.destroy());
  return { client, Bucket: location.bucket };
}

async function uploadsOf(client: S3Client, Bucket: string): Promise<(string | undefined)[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ UploadId }) => UploadId);
}

/** The place with its key in a file that can change. */
async function openWithFile(t: ExecutionContext, { url, work, clock, memory }: FaultPlace): Promise<Storage> {
  await writeKey(work, KEY.id);
  const pool = createCopyPool(1);
  t.teardown(() => pool.close());
  const location = url.replace('env:S3_', `file:${join(work, 'keys')}`);
  return openStorage(location, { pool, baseDirectory: work, create: true, clock, memory });
}

async function writeKey(work: string, id: string): Promise<void> {
  await writeFile(join(work, 'keys'), `ACCESS_KEY_ID=${id}\nSECRET_ACCESS_KEY=${KEY.secret}\n`);
}

/** Resolves when so many have come to it. */
function meeting(count: number): () => Promise<void> {
  let left = count;
  let all!: () => void;
  const met = new Promise<void>((resolve) => (all = resolve));
  return () => {
    left -= 1;
    if (left === 0) all();
    return met;
  };
}

faultTest('credentials that expire while four parts are under way are renewed for all of them', async (t, place) => {
  const { kind, proxy, direct } = place;
  const { path, content } = await makeSource(place, 33 * MIB);
  const storage = await openWithFile(t, place);
  const expired = { answer: kind.says.expired, before: meeting(4) };
  const met = proxy.when(kind.asks.part, expired, { times: 4 });
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.is(met.times, 4);
  t.is(proxy.count(kind.asks.part), 9);
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});

faultTest('credentials that expire are looked up again where they came from', async (t, place) => {
  const { kind, proxy, work } = place;
  const storage = await openWithFile(t, place);
  await writeKey(work, 'another-key');
  t.is(await storage.getDocument('a'), null, 'not before they are refused');
  proxy.when(kind.asks.read, { answer: kind.says.expired });
  const { message } = await rejectsWith(t, 'STORAGE_FAILED', storage.getDocument('a'));
  t.notRegex(message, /ExpiredToken/);
  t.is(
    proxy.count(({ headers }) => headers.authorization?.includes('Credential=another-key/') === true),
    1,
  );
});

faultTest('credentials that have expired and are not renewed fail at once, and say what to do', async (t, place) => {
  const { kind, proxy } = place;
  const storage = await openWithFile(t, place);
  proxy.when(() => true, { answer: kind.says.expired }, { times: Infinity });
  proxy.forget();
  const { message, hint } = await rejectsWith(t, 'STORAGE_FAILED', storage.getDocument('a'));
  t.regex(message, /ExpiredToken.*The provided token has expired/);
  t.regex(hint ?? '', /nobody renews it/);
  t.is(proxy.seen.length, 2, 'once more with what was looked up again');
  await rejectsWith(t, 'STORAGE_FAILED', openWithFile(t, place));
  t.is(proxy.seen.length, 3);
});

faultTest('credentials that expire are renewed also where the answer to a HEAD cannot say so', async (t, place) => {
  const { kind, proxy, direct } = place;
  await direct.putDocument('a', 'a');
  const storage = await openWithFile(t, place);
  proxy.when(kind.asks.head, { answer: { status: 400 } });
  proxy.when(kind.asks.read, { answer: kind.says.expired });
  t.is((await storage.checksum('a'))?.size, 1);
});

const ended = (place: FaultPlace) => async (): Promise<void> => {
  const options = { before: Date.now() + 3_600_000, dryRun: false };
  for await (const _ of place.direct.sweepUnfinished('c/', options));
};

faultTest('an upload that somebody ended is never taken for done because something is there', async (t, place) => {
  const { kind, proxy, storage, direct, work } = place;
  const { path, content } = await makeSource(place);
  await writeFile(join(work, 'other'), randomBytes(LARGE));
  const others: (() => Promise<unknown>)[] = [
    () => Promise.resolve(),
    () => direct.putDocument(FILE, 'other'),
    // Of the same size and made of parts as well.
    () => direct.putFile(FILE, join(work, 'other')),
  ];
  for (const put of others) {
    const end = ended(place);
    proxy.when(kind.asks.complete, { before: () => end().then(put) });
    const { message, hint } = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile(FILE, path));
    t.regex(message, /NoSuchUpload/);
    t.is(proxy.count(kind.asks.complete), 1);
    proxy.forget();
    t.regex(hint ?? '', /begun anew/);
  }
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});

const inside200 = (code: string): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n   \n<Error><Code>${code}</Code><Message>Later.</Message></Error>`,
});

faultTest('an error in an answer that began as a success is one', async (t, place) => {
  const { kind, proxy, storage, direct } = place;
  const { path, content } = await makeSource(place);
  const empty = { status: 200 };
  for (const answer of [inside200('InternalError'), inside200('SlowDown'), empty]) {
    proxy.when(kind.asks.complete, { answer });
    proxy.when(kind.asks.copy, { answer });
    t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
    t.true(await storage.moveFolder('c/n/b/', 'c/n/moved/'));
    t.deepEqual(await listed(direct), [{ key: 'c/n/moved/file', size: LARGE }]);
    await direct.deleteFolder('c/');
  }
});

function deleteErrors(...errors: [key: string, code: string, message: string][]): Reply {
  const each = errors.map(
    ([key, code, message]) => `<Error><Key>${key}</Key><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><DeleteResult>${each.join('')}</DeleteResult>`,
  };
}

faultTest(
  'of many that are to be deleted some may stay: what passes is tried again, what does not is told',
  async (t, place) => {
    const { kind, proxy, storage, direct } = place;
    const fill = async (): Promise<void> => {
      for (const key of ['c/d/1', 'c/d/2', 'c/d/3']) await direct.putDocument(key, '');
    };
    await fill();
    const passing = deleteErrors(
      ['a/prefix/c/d/1', 'InternalError', 'Later.'],
      ['a/prefix/c/d/2', 'SlowDown', 'Slower.'],
    );
    proxy.when(kind.asks.delete, { instead: passing });
    await storage.deleteFolder('c/d/');
    t.is(proxy.count(kind.asks.delete), 2);
    t.deepEqual(await listed(direct), []);
    await fill();
    proxy.forget();
    const refused = deleteErrors(
      ['a/prefix/c/d/1', 'InternalError', 'Later.'],
      ['a/prefix/c/d/2', 'AccessDenied', 'It is locked.'],
    );
    proxy.when(kind.asks.delete, { answer: refused });
    const gone: string[] = [];
    const deletion = storage.deleteFolder('c/d/', { onFile: (key) => gone.push(key) });
    const { message } = await rejectsWith(t, 'STORAGE_FAILED', deletion);
    t.regex(message, /2 of 3 .*c\/d\/2: It is locked/);
    t.is(proxy.count(kind.asks.delete), 1);
    t.deepEqual(gone, []);
  },
);

faultTest("somebody else's upload of the same key is neither gone on with nor ended", async (t, place) => {
  const { storage, direct } = place;
  const { path, content } = await makeSource(place);
  const { client, Bucket } = await rawClient(t, place);
  const Key = `a/prefix/${FILE}`;
  const begin = async (how: object) =>
    (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...how }))).UploadId;
  const empty = await begin({});
  const other = await begin({ ChecksumAlgorithm: 'CRC32' });
  // With our size of parts and our kind of checksum, and more recent.
  const Body = randomBytes(8 * MIB);
  await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId: other, PartNumber: 1, Body, ChecksumAlgorithm: 'CRC32' }),
  );
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
  const left = await uploadsOf(client, Bucket);
  t.true(left.includes(empty) && left.includes(other));
  t.is(left.length, 2, 'ours has ended');
});

const isSearch: Match = ({ method, query }) => method === 'GET' && (query.has('uploads') || query.has('uploadId'));

faultTest('many unfinished uploads elsewhere cost a file one request, and a small file none', async (t, place) => {
  const { storage, proxy } = place;
  const { client, Bucket } = await rawClient(t, place);
  const numbers = Array.from({ length: 1100 }, (_, index) => index).values();
  const lane = async (): Promise<void> => {
    for (const n of numbers)
      await client.send(new CreateMultipartUploadCommand({ Bucket, Key: `a/prefix/c/n/b/other${n}` }));
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  proxy.forget();
  await storage.putFile(FILE, (await makeSource(place)).path);
  t.is(proxy.count(isSearch), 1);
  t.is(proxy.seen.find(isSearch)?.query.get('prefix'), `a/prefix/${FILE}`);
  await storage.putFile('c/n/b/small', (await makeSource(place, 8 * MIB)).path);
  t.is(proxy.count(isSearch), 1);
});

faultTest('who may not see unfinished uploads stores all the same, from the beginning', async (t, place) => {
  const { kind, proxy, storage, direct } = place;
  const { path, content } = await makeSource(place);
  proxy.when(({ method, query }) => method === 'GET' && query.has('uploads'), { answer: kind.says.denied });
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});

faultTest('a bucket that several nodes make at once is made once, also where the answer is lost', async (t, place) => {
  const { proxy, url, kind, work, clock, memory } = place;
  const pool = createCopyPool(1);
  t.teardown(() => pool.close());
  const fresh = url.replace(/s3:\/\/[^/]+/, `s3://fresh-${Date.now()}`);
  const deps = { pool, baseDirectory: work, create: true, clock, memory, env: kind.env };
  proxy.when(({ method, path }) => method === 'PUT' && path.split('/').filter(Boolean).length === 1, {
    instead: 'lost',
  });
  const stores = await Promise.all(Array.from({ length: 4 }, () => openStorage(fresh, deps)));
  await stores[0]!.putDocument('a', 'a');
  t.is(await stores[3]!.getDocument('a'), 'a');
});
