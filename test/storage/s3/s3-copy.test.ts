import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { ExecutionContext } from 'ava';
import { copyObject } from '../../../src/storage/s3/s3-copy.ts';
import { factsOf } from '../contract.ts';
import { listed } from '../listed.ts';
import type { FaultPlace } from '../objects/fault-place.ts';
import { MIB, rawClient, s3Test } from './s3-place.ts';

/** As small as S3 lets parts be. */
const PIECES = { most: 5 * MIB, part: 5 * MIB };

/** Copies an object of three parts, by way of the proxy. */
async function copying(t: ExecutionContext, place: FaultPlace) {
  const { work, direct } = place;
  const content = randomBytes(12 * MIB + 7);
  await writeFile(join(work, 'source'), content);
  await direct.putFile('c/ü from', join(work, 'source'));
  const { client, Bucket, prefix } = await rawClient(t, place);
  const copy = { from: { Bucket, Key: `${prefix}c/ü from` }, to: { Bucket, Key: `${prefix}c/to` }, written: {} };
  return {
    content,
    copy: (signal?: AbortSignal) => copyObject(client, { ...copy, size: content.length }, signal, PIECES),
    unfinished: async () => (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [],
  };
}

s3Test('an object that is too large for one request is copied in parts', async (t, place) => {
  const { content, copy, unfinished } = await copying(t, place);
  await copy();
  t.deepEqual(await place.direct.checksum('c/to'), factsOf(content));
  t.is(place.proxy.count(place.kind.asks.copy), 3);
  t.deepEqual(await unfinished(), []);
});

s3Test('a copy in parts that fails leaves nothing, and says what went wrong first', async (t, place) => {
  const { proxy, kind, direct } = place;
  const { copy, unfinished } = await copying(t, place);
  proxy.when(kind.asks.copy, { answer: kind.says.denied }, { nth: 2 });
  await t.throwsAsync(copy(), { name: 'AccessDenied' });
  t.deepEqual(await unfinished(), []);
  proxy.when(kind.asks.copy, { answer: kind.says.denied }, { nth: 2 });
  const ending = proxy.when(({ method }) => method === 'DELETE', { answer: kind.says.broken });
  await t.throwsAsync(copy(), { name: 'AccessDenied' });
  t.is(ending.times, 1);
  t.deepEqual(
    (await listed(direct)).map(({ key }) => key),
    ['c/ü from'],
  );
});

s3Test('a copy in parts whose last answer is lost fails so that it can be made again', async (t, place) => {
  const { proxy, kind, direct } = place;
  const { content, copy, unfinished } = await copying(t, place);
  proxy.when(kind.asks.complete, { instead: 'lost' });
  await t.throwsAsync(copy(), { code: 'ECONNRESET' });
  await copy();
  t.deepEqual(await direct.checksum('c/to'), factsOf(content));
  t.deepEqual(await unfinished(), []);
});
