import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { SILENCE_MS } from '../../../src/storage/network.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import type { Fault } from '../../helpers/fault-proxy.ts';
import { factsOf, rejectsWith } from '../contract.ts';
import type { Says } from './fault-kinds.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const CHILD = new URL('../../helpers/get-file-child.ts', import.meta.url).pathname;

interface Failed {
  code: string;
  message: string;
  details: { needed: number };
}

const MIB = 1024 ** 2;
const KEY = 'c/n/b/file';
/** Read in one request, and in three. */
const SIZES = { whole: 100_000, 'in ranges': 17 * MIB + 7 };

interface Stored extends StoredFile {
  content: Buffer;
}

/** Puts an object there, not through the proxy. */
async function store({ direct, work }: Pick<FaultPlace, 'direct' | 'work'>, size: number): Promise<Stored> {
  const content = randomBytes(size);
  await writeFile(join(work, 'stored'), content);
  return { ...(await direct.putFile(KEY, join(work, 'stored'))), content };
}

/** Fetches it, and holds what came and was told against what is expected. */
async function getWhole(
  t: ExecutionContext,
  { storage, work }: FaultPlace,
  { content, ...stored }: Stored,
): Promise<void> {
  let told = 0;
  const onBytes = (bytes: number): void => void (told += bytes);
  await storage.getFile(KEY, join(work, 'new', 'target'), stored, { onBytes });
  t.true(content.equals(await readFile(join(work, 'new', 'target'))));
  t.is(told, stored.size, 'each byte is told once');
  t.deepEqual(await readdir(join(work, 'new')), ['target']);
}

/** Nothing half-done stays. */
async function nothingCame(t: ExecutionContext, { work }: FaultPlace): Promise<void> {
  t.deepEqual(await readdir(join(work, 'new')).catch(() => []), []);
}

const target = ({ work }: FaultPlace): string => join(work, 'new', 'target');

const PASSING: Record<string, (says: Says) => Fault> = {
  'is refused by a store that is busy': ({ busy }) => ({ answer: busy() }),
  'meets an error of the store': ({ broken }) => ({ answer: broken }),
  'is cut on its way': () => ({ cutAnswerAt: 50_000 }),
  'is cut before its first byte': () => ({ cutAnswerAt: 0 }),
  'has fewer bytes than it should': () => ({ shortenAnswerTo: 40_000 }),
  'is altered on its way': () => ({ alterAnswerAt: 30_000 }),
};

for (const [how, size] of Object.entries(SIZES)) {
  for (const [name, fault] of Object.entries(PASSING)) {
    faultTest(`a file that is read ${how} and ${name} comes as it was stored`, async (t, place) => {
      const { kind, proxy } = place;
      const stored = await store(place, size);
      const met = proxy.when(kind.asks.read, fault(kind.says), { nth: size > MIB ? 2 : 1 });
      await getWhole(t, place, stored);
      t.is(met.times, 1);
      const once = size > MIB ? 3 : 1;
      // Which range was altered is not known.
      t.is(proxy.count(kind.asks.read), name.includes('altered') ? once * 2 : once + 1);
    });
  }
}

faultTest('a file that is altered each time is damaged, and nothing of it stays', async (t, place) => {
  const { kind, proxy, storage } = place;
  const { content: _, ...stored } = await store(place, SIZES.whole);
  proxy.when(kind.asks.read, { alterAnswerAt: 1 }, { times: Infinity });
  const { message } = await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile(KEY, target(place), stored));
  t.true(message.includes(stored.sha256));
  t.is(proxy.count(kind.asks.read), 2);
  await nothingCame(t, place);
});

faultTest('what a store refuses to give is not asked for again, and nothing stays', async (t, place) => {
  const { kind, proxy, storage } = place;
  const { content: _, ...stored } = await store(place, SIZES['in ranges']);
  proxy.when(kind.asks.read, { answer: kind.says.denied }, { nth: 2, times: Infinity });
  const { message } = await rejectsWith(t, 'STORAGE_FAILED', storage.getFile(KEY, target(place), stored));
  t.regex(message, /Nobody may do that/);
  // The other range was under way beside it.
  t.true(proxy.count(kind.asks.read) <= 3);
  await nothingCame(t, place);
});

faultTest(
  'an object that is deleted between two ranges is missing, for a restore and for a check',
  async (t, place) => {
    const { kind, proxy, direct, storage } = place;
    const { content: _, ...stored } = await store(place, SIZES['in ranges']);
    const remove = { before: () => direct.delete(KEY) };
    proxy.when(kind.asks.read, remove, { nth: 2 });
    const { message } = await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile(KEY, target(place), stored));
    t.regex(message, /no such file/);
    await nothingCame(t, place);
    proxy.calm();
    await store(place, SIZES['in ranges']);
    proxy.when(kind.asks.read, remove, { nth: 2 });
    t.is(await storage.checksum(KEY), null);
  },
);

faultTest('an object that is deleted or replaced after it was looked for is what it is then', async (t, place) => {
  const { kind, proxy, direct, storage } = place;
  await store(place, SIZES.whole);
  proxy.when(kind.asks.read, { before: () => direct.delete(KEY) });
  t.is(await storage.checksum(KEY), null);
  await store(place, SIZES.whole);
  let other: Stored | undefined;
  proxy.when(kind.asks.read, { before: async () => (other = await store(place, SIZES.whole + 1)) });
  const found = await storage.checksum(KEY);
  t.deepEqual(found, factsOf(other!.content));
});

faultTest('an object that is replaced between two ranges is never a mixture of both', async (t, place) => {
  const { kind, proxy, direct, storage, work } = place;
  const { content: _, ...stored } = await store(place, SIZES['in ranges']);
  const replace = { before: () => store(place, SIZES['in ranges']) };
  proxy.when(kind.asks.read, replace, { nth: 2 });
  await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile(KEY, target(place), stored));
  proxy.calm();
  proxy.when(kind.asks.read, replace, { nth: 2 });
  t.deepEqual(await storage.checksum(KEY), await direct.checksum(KEY));
  proxy.calm();
  // As a second put of the same file does.
  const same = join(work, 'stored');
  const { content, ...again } = { content: await readFile(same), ...factsOf(await readFile(same)) };
  proxy.when(kind.asks.read, { before: () => direct.putFile(KEY, same) }, { nth: 2 });
  await getWhole(t, place, { content, ...again });
});

faultTest('a stream whose object is replaced while it is read ends with an error that passes', async (t, place) => {
  const { kind, proxy, storage } = place;
  await store(place, SIZES['in ranges']);
  proxy.when(kind.asks.read, { before: () => store(place, SIZES['in ranges']) }, { nth: 2 });
  const content = await storage.readStream(KEY);
  const reading = (async () => {
    for await (const _ of content ?? []);
  })();
  t.regex((await rejectsWith(t, 'STORAGE_UNAVAILABLE', reading)).message, /replaced/);
});

for (const [how, size] of Object.entries(SIZES)) {
  faultTest(`a file that is read ${how} on a connection that falls silent comes by another`, async (t, place) => {
    const { kind, proxy, clock } = place;
    const stored = await store(place, size);
    const met = proxy.when(kind.asks.read, { silentAt: 1000 });
    const waiting = clock.waitOf(SILENCE_MS);
    const get = getWhole(t, place, stored);
    await Promise.all([met.once, waiting]);
    // More than once: what comes just before the end of a watch begins another.
    const turning = (async () => {
      while (met.times === 1 && proxy.count(kind.asks.read) === 1) await clock.pass(SILENCE_MS);
    })();
    await Promise.all([get, turning]);
    t.is(proxy.count(kind.asks.read), size > MIB ? 4 : 2);
  });
}

for (const [how, fault] of Object.entries<Fault>({
  'before its answer': { before: (gone) => gone.then(() => Promise.reject(new Error('gone'))) },
  'in its answer': { silentAt: 1000 },
})) {
  faultTest(`an abort while a range waits ${how} ends the download with its reason`, async (t, place) => {
    const { kind, proxy, storage } = place;
    const { content: _, ...stored } = await store(place, SIZES['in ranges']);
    const controller = new AbortController();
    const reason = new OperatorError('ABORTED', 'enough');
    const met = proxy.when(kind.asks.read, fault, { nth: 2 });
    const get = storage.getFile(KEY, target(place), stored, { signal: controller.signal });
    await met.once;
    controller.abort(reason);
    t.is(await t.throwsAsync(get), reason);
    await nothingCame(t, place);
  });
}

faultTest('a stream of which nobody reads the rest leaves nothing under way', async (t, place) => {
  await store(place, SIZES['in ranges']);
  for await (const _ of (await place.storage.readStream(KEY)) ?? []) break;
  t.true(place.proxy.count(place.kind.asks.read) > 0);
});

faultTest(
  'a disk that is full while a file comes is said with its directory, and not filled again and again',
  async (t, place) => {
    const { kind, proxy, url, work } = place;
    const { size, sha256 } = await store(place, SIZES['in ranges']);
    // The limit of a process on the size of its files, in blocks of 1 kB, is as full as a disk.
    const program = ['ulimit -f 9000 && exec "$0" "$@"', process.execPath, CHILD];
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-c', ...program, url, KEY, target(place), String(size), sha256],
      { env: { ...process.env, ...kind.env } },
    );
    const { code, message, details } = JSON.parse(stdout) as Failed;
    t.is(code, 'NO_SPACE');
    t.regex(message, /bringing c\/n\/b\/file to .*; 17825799 bytes are needed, \d+ bytes are free in /);
    t.true(message.endsWith(join(work, 'new')));
    t.is(details.needed, size);
    t.true(proxy.count(kind.asks.read) <= 3);
    await nothingCame(t, place);
  },
);
