import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { LANES } from '../../src/storage/copy-protocol.ts';
import { createCopyPool, type CopyPool } from '../../src/storage/copy-pool.ts';
import { Throttle } from '../../src/storage/throttle.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { factsOf, rejectsWith, temporaryDirectory } from './contract.ts';

function poolOf(t: ExecutionContext, workers?: number): CopyPool {
  const pool = createCopyPool(workers);
  t.teardown(() => pool.close());
  return pool;
}

/** Sparse, and so long that it is never read to its end. */
async function endlessFile(work: string): Promise<string> {
  const path = join(work, 'endless');
  await writeFile(path, '');
  await truncate(path, 1024 ** 4);
  return path;
}

/** Resolves when the job has moved its first bytes, with a promise of its end. */
async function begun(pool: CopyPool, source: string, target: string | null, signal: AbortSignal | undefined) {
  return new Promise<{ outcome: Promise<unknown> }>((resolve) => {
    const onBytes = (): void => resolve({ outcome });
    const end = pool.run({ source, target, expected: null }, { ...(signal ? { signal } : {}), onBytes });
    const outcome = end.then(
      () => null,
      (error: unknown) => error,
    );
  });
}

function abortable(): { signal: AbortSignal; abort: (reason?: unknown) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}

/** A pool of one thread that has all that it takes at once. */
async function busyPool(t: ExecutionContext, work: string) {
  const pool = poolOf(t, 1);
  const endless = await endlessFile(work);
  const { signal, abort } = abortable();
  const outcomes: Promise<unknown>[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    outcomes.push((await begun(pool, endless, join(work, `target${lane}`), signal)).outcome);
  }
  const stopAll = async (): Promise<void> => {
    abort();
    await Promise.all(outcomes);
  };
  return { pool, endless, outcomes, stopAll };
}

test('it has one thread a core, two at most', (t) => {
  t.true([1, 2].includes(poolOf(t).workers));
});

test('a file is hashed without being copied', async (t) => {
  const work = await temporaryDirectory(t);
  const content = randomBytes(3_000_000);
  await writeFile(join(work, 'file'), content);
  const result = await poolOf(t).run({ source: join(work, 'file'), target: null, expected: null });
  t.deepEqual(result, { outcome: 'done', file: factsOf(content) });
  t.deepEqual(await readdir(work), ['file']);
});

test('a running job stops when its signal aborts, cleans up, and the thread takes the next one', async (t) => {
  const work = await temporaryDirectory(t);
  const pool = poolOf(t, 1);
  const controller = new AbortController();
  const { outcome } = await begun(pool, await endlessFile(work), join(work, 'target'), controller.signal);
  await writeFile(join(work, 'small'), 'x');
  const next = pool.run({ source: join(work, 'small'), target: null, expected: null });
  const reason = new Error('stop');
  controller.abort(reason);
  t.is(await outcome, reason);
  t.deepEqual(await next, { outcome: 'done', file: factsOf(Buffer.from('x')) });
  t.deepEqual((await readdir(work)).sort(), ['endless', 'small']);
});

test('a short job is done while long ones run in the same thread', async (t) => {
  const work = await temporaryDirectory(t);
  const pool = poolOf(t, 1);
  const controller = new AbortController();
  const { outcome } = await begun(pool, await endlessFile(work), null, controller.signal);
  await writeFile(join(work, 'small'), 'x');
  t.like(await pool.run({ source: join(work, 'small'), target: null, expected: null }), { outcome: 'done' });
  controller.abort();
  t.like(await outcome, { name: 'AbortError' });
});

test('a job that waits for its turn is dropped when its signal aborts', async (t) => {
  const work = await temporaryDirectory(t);
  const { pool, endless, stopAll } = await busyPool(t, work);
  const { signal, abort } = abortable();
  const waiting = pool.run({ source: endless, target: join(work, 'target'), expected: null }, { signal });
  const reason = new Error('not wanted any more');
  abort(reason);
  t.is(await t.throwsAsync(waiting), reason);
  await stopAll();
  t.deepEqual(await readdir(work), ['endless']);
});

test('closing ends running and waiting jobs and leaves no temporary', async (t) => {
  const work = await temporaryDirectory(t);
  const { pool, endless, outcomes } = await busyPool(t, work);
  const waiting = pool.run({ source: endless, target: null, expected: null });
  await Promise.all([pool.close(), rejectsWith(t, 'ABORTED', waiting)]);
  for (const outcome of await Promise.all(outcomes)) t.like(outcome, { code: 'ABORTED' });
  t.deepEqual(await readdir(work), ['endless']);
  await rejectsWith(t, 'ABORTED', pool.run({ source: endless, target: null, expected: null }));
  await t.notThrowsAsync(pool.close());
});

test('a system error comes with its code and path', async (t) => {
  const work = await temporaryDirectory(t);
  const source = join(work, 'none');
  const error = await t.throwsAsync(poolOf(t).run({ source, target: null, expected: null }), { code: 'ENOENT' });
  t.like(error, { path: source, syscall: 'open' });
});

test('a file whose content is not the expected one leaves no target', async (t) => {
  const work = await temporaryDirectory(t);
  const [source, target] = [join(work, 'source'), join(work, 'target')];
  await writeFile(source, 'content');
  const { size, sha256 } = factsOf(Buffer.from('content'));
  const pool = poolOf(t);
  const altered = await pool.run({ source, target, expected: { size, sha256: '0'.repeat(64) } });
  t.like(altered, { outcome: 'mismatch', size, sha256 });
  t.deepEqual(await pool.run({ source, target, expected: { size: 1, sha256 } }), {
    outcome: 'mismatch',
    size,
    sha256: null,
  });
  t.deepEqual(await readdir(work), ['source']);
});

test('many jobs at once are all done, each with its own result', async (t) => {
  const work = await temporaryDirectory(t);
  const pool = poolOf(t, 2);
  const contents = Array.from({ length: 50 }, (_, index) => randomBytes(index * 10_000));
  const results = await Promise.all(
    contents.map(async (content, index) => {
      await writeFile(join(work, `${index}`), content);
      return pool.run({ source: join(work, `${index}`), target: join(work, `${index}.copy`), expected: null });
    }),
  );
  t.deepEqual(
    results,
    contents.map((content) => ({ outcome: 'done', file: factsOf(content) })),
  );
});

test('files reach a file system in memory and come back from it', async (t) => {
  // Where the machine has none, this is an ordinary directory and the test says less.
  const memory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'storage-test-'));
  t.teardown(() => rm(memory, { recursive: true }));
  const work = await temporaryDirectory(t);
  const pool = poolOf(t);
  const content = randomBytes(5_000_001);
  await writeFile(join(work, 'source'), content);
  await pool.run({ source: join(work, 'source'), target: join(memory, 'there'), expected: null });
  await pool.run({ source: join(memory, 'there'), target: join(work, 'back'), expected: null });
  t.true(content.equals(await readFile(join(work, 'back'))));
});

/** A pool whose files may move as much as the clock of the test lets them. */
function throttledPool(t: ExecutionContext, rate: number | null) {
  const clock = new HandClock();
  const throttle = new Throttle(clock);
  throttle.rate = rate;
  const pool = createCopyPool(1, { throttle });
  t.teardown(() => pool.close());
  return { pool, throttle, clock };
}

async function untilHolds(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

test('all files together move no more than time allows, however they are copied or hashed', async (t) => {
  const work = await temporaryDirectory(t);
  const content = randomBytes(1_000_000);
  await writeFile(join(work, 'file'), content);
  const { pool, clock } = throttledPool(t, 500_000);
  let moved = 0;
  const onBytes = (bytes: number): void => void (moved += bytes);
  const source = join(work, 'file');
  const expected = factsOf(content);
  const jobs = [
    pool.run({ source, target: join(work, 'copied'), expected: null }, { onBytes }),
    pool.run({ source, target: null, expected: null }, { onBytes }),
  ];
  for (let second = 1; second <= 3; second += 1) {
    // The thread asks again when it has moved what it was granted.
    for (let tenth = 0; tenth < 10; tenth += 1) {
      await untilHolds(() => clock.sleeping > 0);
      await clock.pass(100);
    }
    t.true(moved <= second * 500_000 + 60_000, `${moved} bytes in ${second} s`);
  }
  t.true(moved >= 1_000_000, `${moved} bytes in 3 s`);
  let ended = 0;
  for (const job of jobs) void job.then(() => (ended += 1));
  while (ended < jobs.length) await clock.pass(100);
  for (const result of await Promise.all(jobs)) t.deepEqual(result, { outcome: 'done', file: expected });
  t.deepEqual(await readFile(join(work, 'copied')), content);
});

test('a limit reaches a file that is under way, and so does its end', async (t) => {
  const work = await temporaryDirectory(t);
  const { pool, throttle, clock } = throttledPool(t, null);
  const { signal, abort } = abortable();
  let moved = 0;
  const endless = await endlessFile(work);
  const onBytes = (bytes: number): void => void (moved += bytes);
  const outcome = pool.run({ source: endless, target: null, expected: null }, { signal, onBytes });
  await untilHolds(() => moved > 0);
  throttle.rate = 1000;
  await untilHolds(() => clock.sleeping > 0);
  const before = moved;
  await clock.pass(20_000);
  t.true(moved - before <= 8 * 4096, `${moved - before}`);
  throttle.rate = null;
  await untilHolds(() => moved - before > 10_000_000);
  abort();
  await t.throwsAsync(outcome);
});

test('a job that waits for its share stops at once when its signal aborts, and leaves nothing', async (t) => {
  const work = await temporaryDirectory(t);
  const { pool, clock } = throttledPool(t, 1000);
  const { signal, abort } = abortable();
  const endless = await endlessFile(work);
  const outcome = pool.run({ source: endless, target: join(work, 'target'), expected: null }, { signal });
  await untilHolds(() => clock.sleeping > 0);
  const reason = new Error('stop');
  abort(reason);
  // The clock of the test stands still: nothing but the abort can have woken it.
  t.is(await t.throwsAsync(outcome), reason);
  t.deepEqual(await readdir(work), ['endless']);
});

/** Null for a thread that has ended meanwhile. The name in parentheses may hold spaces; niceness is field 19 (proc(5)). */
function nicenessOf(thread: string): number | null {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

(process.platform === 'linux' ? test : test.skip)('its threads, and they alone, can be made nice', async (t) => {
  const work = await temporaryDirectory(t);
  const pool = createCopyPool(1, { niceness: 7 });
  t.teardown(() => pool.close());
  await writeFile(join(work, 'file'), 'x');
  await pool.run({ source: join(work, 'file'), target: null, expected: null });
  const threads = await readdir('/proc/self/task');
  t.is(threads.filter((thread) => nicenessOf(thread) === 7).length, 1);
  t.not(nicenessOf(String(process.pid)), 7);
});
