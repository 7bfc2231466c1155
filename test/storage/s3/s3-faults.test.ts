import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import type { Reply } from '../../helpers/fault-proxy.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import type { FaultPlace } from '../objects/fault-place.ts';
import { KEY } from '../versitygw.ts';
import { FILE, LARGE, makeSource, MIB, s3Test } from './s3-place.ts';

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

s3Test('credentials that expire while four parts are under way are renewed for all of them', async (t, place) => {
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

s3Test('credentials that expire are looked up again where they came from', async (t, place) => {
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

s3Test('credentials that have expired and are not renewed fail at once, and say what to do', async (t, place) => {
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

s3Test('credentials that expire are renewed also where the answer to a HEAD cannot say so', async (t, place) => {
  const { kind, proxy, direct } = place;
  await direct.putDocument('a', 'a');
  const storage = await openWithFile(t, place);
  proxy.when(kind.asks.head, { answer: { status: 400 } });
  proxy.when(kind.asks.read, { answer: kind.says.expired });
  t.is((await storage.checksum('a'))?.size, 1);
});

const inside200 = (code: string): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n   \n<Error><Code>${code}</Code><Message>Later.</Message></Error>`,
});

s3Test('an error in an answer that began as a success is one', async (t, place) => {
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

s3Test(
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

s3Test('a bucket that several nodes make at once is made once, also where the answer is lost', async (t, place) => {
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

s3Test('a listing that has fewer keys than it says is asked for again', async (t, { kind, proxy, storage, direct }) => {
  for (const key of ['c/1', 'c/2']) await direct.putDocument(key, key);
  const contents = '<Contents><Key>a/prefix/c/1</Key><Size>3</Size></Contents>';
  const body = `<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>2</KeyCount>${contents}</ListBucketResult>`;
  proxy.when(kind.asks.list, { answer: { status: 200, headers: { 'content-type': 'application/xml' }, body } });
  t.deepEqual(
    (await listed(storage)).map(({ key }) => key),
    ['c/1', 'c/2'],
  );
  t.is(proxy.count(kind.asks.list), 2);
});

s3Test('a document that is altered or cut on its way is read again', async (t, { kind, proxy, storage }) => {
  await storage.putDocument('c/document', 'what was written');
  proxy.when(kind.asks.read, { alterAnswerAt: 3 });
  t.is(await storage.getDocument('c/document'), 'what was written');
  proxy.when(kind.asks.read, { shortenAnswerTo: 4 });
  t.is(await storage.getDocument('c/document'), 'what was written');
  t.is(proxy.count(kind.asks.read), 4);
  proxy.when(kind.asks.read, { alterAnswerAt: 3 }, { times: Infinity });
  const { message } = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.getDocument('c/document'));
  t.regex(message, /Checksum mismatch/);
});
