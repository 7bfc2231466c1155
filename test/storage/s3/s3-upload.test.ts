import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Match, Reply } from '../../helpers/fault-proxy.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import type { FaultPlace } from '../objects/fault-place.ts';
import { FILE, LARGE, makeSource, MIB, rawClient, s3Test } from './s3-place.ts';

async function uploadsOf(client: S3Client, Bucket: string): Promise<(string | undefined)[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ UploadId }) => UploadId);
}

const ended = (place: FaultPlace) => async (): Promise<void> => {
  const options = { before: Date.now() + 3_600_000, dryRun: false };
  for await (const _ of place.direct.sweepUnfinished('c/', options));
};

const NO_SUCH_UPLOAD: Reply = {
  status: 404,
  headers: { 'content-type': 'application/xml' },
  body: '<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>',
};

s3Test('an upload whose answer was lost is done when the object there is made of its parts', async (t, place) => {
  const { kind, proxy, storage, direct } = place;
  const { path, content } = await makeSource(place);
  proxy.when(kind.asks.complete, { instead: 'lost' });
  proxy.when(kind.asks.complete, { answer: NO_SUCH_UPLOAD });
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.is(proxy.count(kind.asks.complete), 2);
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});

s3Test('an upload that somebody ended is never taken for done because something is there', async (t, place) => {
  const { kind, proxy, storage, direct, work } = place;
  const { path, content } = await makeSource(place);
  await writeFile(join(work, 'other'), randomBytes(LARGE));
  const others: (() => Promise<unknown>)[] = [
    () => Promise.resolve(),
    () => direct.putDocument(FILE, 'other'),
    // Of the same size and made of parts as well.
    () => direct.putFile(FILE, join(work, 'other')),
  ];
  // This server answers with a success where any object is there; Amazon with an error.
  for (const answer of [{}, { instead: NO_SUCH_UPLOAD }]) {
    for (const put of others) {
      const end = ended(place);
      proxy.when(kind.asks.complete, { before: () => end().then(put), ...answer });
      const { message, hint } = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile(FILE, path));
      t.regex(message, /NoSuchUpload/);
      t.regex(hint ?? '', /begun anew/);
      t.is(proxy.count(kind.asks.complete), 1);
      proxy.forget();
      await direct.deleteFolder('c/');
    }
  }
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});

s3Test("somebody else's upload of the same key is neither gone on with nor ended", async (t, place) => {
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

s3Test('many unfinished uploads elsewhere cost a file one request, and a small file none', async (t, place) => {
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

s3Test('who may not see unfinished uploads stores all the same, from the beginning', async (t, place) => {
  const { kind, proxy, storage, direct } = place;
  const { path, content } = await makeSource(place);
  proxy.when(({ method, query }) => method === 'GET' && query.has('uploads'), { answer: kind.says.denied });
  t.deepEqual(await storage.putFile(FILE, path), factsOf(content));
  t.deepEqual(await direct.checksum(FILE), factsOf(content));
});
