import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { factsOf, rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const MIB = 1024 ** 2;
const PART = 8 * MIB;
const PARTS = 4;
/** Of them are there when it is cut short. */
const THERE = 2;
const KEY = 'c/n/b/file';
const CHILD = new URL('../../helpers/put-file-child.ts', import.meta.url).pathname;

/** A process that stores the file at the place, by way of the proxy. */
function storing({ url, kind }: FaultPlace, path: string): ChildProcess {
  const env = { ...process.env, ...kind.env };
  return spawn(process.execPath, [CHILD, url, KEY, path], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Lets a process store the file until some parts are there, and kills it then. */
async function killed(place: FaultPlace, path: string): Promise<void> {
  const { proxy, kind } = place;
  const unanswered = { before: (gone: Promise<unknown>) => gone.then(() => Promise.reject(new Error('gone'))) };
  proxy.when(kind.asks.part, unanswered, { nth: THERE + 1, times: Infinity });
  const child = storing(place, path);
  const ended = once(child, 'exit');
  for await (const moved of createInterface({ input: child.stdout! })) if (Number(moved) === THERE * PART) break;
  child.kill('SIGKILL');
  await ended;
  await proxy.idle();
  proxy.calm();
  proxy.forget();
}

/** Stores the file until some parts are there; then the store goes away. */
async function interrupted(t: ExecutionContext, { proxy, kind, storage }: FaultPlace, path: string): Promise<void> {
  const busy = { answer: kind.says.busy(), before: () => proxy.answered(kind.asks.part, THERE) };
  proxy.when(kind.asks.part, busy, { nth: THERE + 1, times: Infinity });
  await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile(KEY, path));
  proxy.calm();
  proxy.forget();
}

async function makeSource({ work }: FaultPlace): Promise<{ path: string; content: Buffer }> {
  const source = { path: join(work, 'source'), content: randomBytes((PARTS - 1) * PART + MIB + 7) };
  await writeFile(source.path, source.content);
  return source;
}

faultTest('an upload whose process was killed goes on in another with the parts that are missing', async (t, place) => {
  const { kind, proxy, direct } = place;
  const { path, content } = await makeSource(place);
  await killed(place, path);
  t.deepEqual(await listed(direct), [], 'nothing half-done is visible');
  const [code] = (await once(storing(place, path), 'exit')) as [number];
  t.is(code, 0);
  t.is(proxy.count(kind.asks.part), kind.keepsParts ? PARTS - THERE : PARTS);
  t.deepEqual(await direct.checksum(KEY), factsOf(content));
});

faultTest(
  'of a file that has changed since its upload was cut short the new parts are sent as well',
  async (t, place) => {
    const { kind, proxy, direct, storage } = place;
    const { path, content } = await makeSource(place);
    await interrupted(t, place, path);
    content.write('changed', PART + 5);
    const file = await open(path, 'r+');
    await file.write('changed', PART + 5);
    await file.close();
    t.deepEqual(await storage.putFile(KEY, path), factsOf(content));
    t.is(proxy.count(kind.asks.part), kind.keepsParts ? PARTS - THERE + 1 : PARTS);
    t.deepEqual(await direct.checksum(KEY), factsOf(content));
  },
);

faultTest(
  'of a file whose beginning is another one nothing is taken from the upload that was cut short',
  async (t, place) => {
    const { direct, storage } = place;
    const { path } = await makeSource(place);
    await interrupted(t, place, path);
    const { path: other, content } = await makeSource(place);
    t.deepEqual(await storage.putFile(KEY, other), factsOf(content));
    t.deepEqual(await direct.checksum(KEY), factsOf(content));
  },
);
