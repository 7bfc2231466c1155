import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { PATIENT } from '../../../src/storage/objects/retry.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import type { Fault } from '../../helpers/fault-proxy.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import type { Asks, Says } from './fault-kinds.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const MIB = 1024 ** 2;
const SMALL = 100_000;
/** Of three parts. */
const LARGE = 17 * MIB + 7;

interface Source {
  path: string;
  content: Buffer;
}

async function makeSource({ work }: FaultPlace, size: number): Promise<Source> {
  const source = { path: join(work, 'source'), content: randomBytes(size) };
  await writeFile(source.path, source.content);
  return source;
}

/** Stores the file, and holds what is said and told against what is there. */
async function putWhole(
  t: ExecutionContext,
  { storage, direct }: FaultPlace,
  { path, content }: Source,
): Promise<void> {
  let told = 0;
  const stored = await storage.putFile('c/n/b/file', path, { onBytes: (bytes) => (told += bytes) });
  t.deepEqual(stored, factsOf(content));
  t.is(told, content.length);
  await isThere(t, { direct }, stored);
}

async function isThere(t: ExecutionContext, { direct }: Pick<FaultPlace, 'direct'>, stored: StoredFile): Promise<void> {
  t.deepEqual(await direct.checksum('c/n/b/file'), stored);
  t.deepEqual(await listed(direct), [{ key: 'c/n/b/file', size: stored.size }]);
}

/** Uploads that were begun and have not ended. */
async function unfinished({ direct }: FaultPlace): Promise<string[]> {
  const keys: string[] = [];
  const options = { before: Date.now() + 3_600_000, dryRun: true };
  for await (const { key } of direct.sweepUnfinished('c/', options)) keys.push(key);
  return keys;
}

const PASSING: Record<string, (says: Says) => Fault> = {
  'is refused by a store that is busy': ({ busy }) => ({ answer: busy() }),
  'meets an error of the store': ({ broken }) => ({ answer: broken }),
  'is cut on its way': () => ({ cutRequestAt: 50_000 }),
  'is cut before its first byte': () => ({ cutRequestAt: 0 }),
  'arrives, and its answer is lost': () => ({ instead: 'lost' }),
  'arrives, and an error is answered': ({ broken }) => ({ instead: broken }),
  'is altered on its way': () => ({ alterRequestAt: 40_000 }),
};

for (const [name, fault] of Object.entries(PASSING)) {
  faultTest(`a small file that ${name} is there in the end`, async (t, place) => {
    const { kind, proxy } = place;
    const source = await makeSource(place, SMALL);
    const met = proxy.when(kind.asks.put, fault(kind.says));
    await putWhole(t, place, source);
    t.is(met.times, 1);
    t.is(proxy.count(kind.asks.put), 2);
  });

  faultTest(`a part that ${name} is sent again, and the others are not`, async (t, place) => {
    const { kind, proxy } = place;
    const source = await makeSource(place, LARGE);
    const met = proxy.when(kind.asks.part, fault(kind.says), { nth: 2 });
    if (!kind.mendsParts && /altered|arrives/.test(name)) {
      await rejectsWith(t, 'STORAGE_UNAVAILABLE', place.storage.putFile('c/n/b/file', source.path));
      t.deepEqual(await listed(place.direct), []);
      proxy.forget();
      await putWhole(t, place, source);
      return;
    }
    await putWhole(t, place, source);
    t.is(met.times, 1);
    t.is(proxy.count(kind.asks.part), 4);
    t.deepEqual(await unfinished(place), []);
  });
}

for (const ask of ['begin', 'complete'] as const) {
  for (const [name, fault] of Object.entries(PASSING).filter(([title]) => !/cut on|altered/.test(title))) {
    faultTest(`an upload whose request to ${ask} ${name} is whole`, async (t, place) => {
      const { kind, proxy } = place;
      const source = await makeSource(place, LARGE);
      const met = proxy.when(kind.asks[ask], fault(kind.says));
      await putWhole(t, place, source);
      t.is(met.times, 1);
      t.is(proxy.count(kind.asks.part), 3);
    });
  }
}

const REFUSED = [
  ['denied', 'STORAGE_FAILED', /Nobody may do that/],
  ['full', 'NO_SPACE', /quota/],
] as const;

for (const [answer, code, words] of REFUSED) {
  for (const ask of ['put', 'begin', 'part', 'complete'] as const) {
    faultTest(`a file that is refused (${answer}) at ${ask} fails at once and leaves nothing`, async (t, place) => {
      const { kind, proxy, storage, direct } = place;
      const { path } = await makeSource(place, ask === 'put' ? SMALL : LARGE);
      proxy.when(kind.asks[ask], { answer: kind.says[answer] }, { nth: ask === 'part' ? 2 : 1, times: Infinity });
      const { message } = await rejectsWith(t, code, storage.putFile('c/n/b/file', path));
      t.regex(message, words);
      // Those that were under way beside it.
      t.true(proxy.count(kind.asks[ask]) <= (ask === 'part' ? 3 : 1));
      t.deepEqual(await unfinished(place), []);
      t.deepEqual(await listed(direct), []);
    });
  }
}

faultTest('an upload to a store that stays away is left, and gone on with where it was', async (t, place) => {
  const { kind, proxy, storage, direct } = place;
  const source = await makeSource(place, LARGE);
  const isLast: Asks['part'] = (request) =>
    kind.asks.part(request) && Number(request.headers['content-length']) < 8 * MIB;
  const busy = { answer: kind.says.busy(), before: () => proxy.answered(kind.asks.part, 2) };
  proxy.when(isLast, busy, { times: Infinity });
  await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile('c/n/b/file', source.path));
  t.is(proxy.count(isLast), 10);
  t.deepEqual(await listed(direct), []);
  proxy.calm();
  proxy.forget();
  await putWhole(t, place, source);
  t.is(proxy.count(kind.asks.part), kind.keepsParts ? 1 : 3);
  t.deepEqual(await unfinished(place), []);
});

for (const ask of ['put', 'begin', 'part', 'complete'] as const) {
  faultTest(`an abort while ${ask} is unanswered ends it with its reason and leaves nothing`, async (t, place) => {
    const { kind, proxy, storage, direct } = place;
    const { path } = await makeSource(place, ask === 'put' ? SMALL : LARGE);
    const controller = new AbortController();
    const reason = new OperatorError('ABORTED', 'enough');
    const met = proxy.when(kind.asks[ask], { before: (gone) => gone.then(() => Promise.reject(new Error('gone'))) });
    const put = storage.putFile('c/n/b/file', path, { signal: controller.signal });
    await met.once;
    controller.abort(reason);
    t.is(await t.throwsAsync(put), reason);
    t.deepEqual(await unfinished(place), []);
    t.deepEqual(await listed(direct), []);
  });
}

faultTest('an abort while a try is waited for ends the upload at once', async (t, place) => {
  const { kind, proxy, storage, clock } = place;
  const { path } = await makeSource(place, LARGE);
  const controller = new AbortController();
  const reason = new OperatorError('ABORTED', 'enough');
  proxy.when(kind.asks.part, { answer: kind.says.busy({ 'retry-after': '200' }) });
  const waiting = clock.waitOf(200_000);
  const put = t.throwsAsync(storage.putFile('c/n/b/file', path, { signal: controller.signal }));
  await waiting;
  controller.abort(reason);
  t.is(await put, reason);
  t.deepEqual(await unfinished(place), []);
});

faultTest('a part on whose connection nothing moves any more is given up and sent again', async (t, place) => {
  const { kind, proxy, clock } = place;
  const source = await makeSource(place, LARGE);
  const met = proxy.when(
    kind.asks.part,
    { before: (gone) => gone.then(() => Promise.reject(new Error('gone'))) },
    { nth: 3 },
  );
  const put = putWhole(t, place, source);
  await Promise.all([met.once, proxy.answered(kind.asks.part, 2)]);
  await clock.pass(PATIENT.answerMs);
  await put;
  t.is(proxy.count(kind.asks.part), 4);
});
