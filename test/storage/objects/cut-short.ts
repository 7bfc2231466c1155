import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { StoredFile } from '../../../src/storage/storage.ts';
import type { Match } from '../../helpers/fault-proxy.ts';
import { rejectsWith } from '../contract.ts';
import type { FaultPlace } from './fault-place.ts';

const MIB = 1024 ** 2;
export const PART = 8 * MIB;
export const PARTS = 4;
/** Of them are there when it is cut short. */
export const THERE = 2;
export const KEY = 'c/n/b/file';
const CHILD = new URL('../../helpers/put-file-child.ts', import.meta.url).pathname;

/** A process that stores the file at the place, by way of the proxy. `uploads`: where it keeps what is unfinished. */
function storing({ url, kind }: FaultPlace, path: string, uploads: string[]): ChildProcess {
  const env = { ...process.env, ...kind.env };
  return spawn(process.execPath, [CHILD, url, KEY, path, ...uploads], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Lets a process store the file: what it says that it has stored. */
export async function stored(place: FaultPlace, path: string, ...uploads: string[]): Promise<StoredFile> {
  const child = storing(place, path, uploads);
  const [[code], said] = await Promise.all([once(child, 'exit'), child.stdout!.toArray()]);
  if (code !== 0) throw new Error(`expected the file to be stored, the process ended with ${code}`);
  return JSON.parse(Buffer.concat(said as Buffer[]).toString()) as StoredFile;
}

/** Lets a process store the file until some parts are there, and kills it then. */
export async function killed(place: FaultPlace, path: string, ...uploads: string[]): Promise<void> {
  const { proxy, kind } = place;
  const unanswered = { before: (gone: Promise<unknown>) => gone.then(() => Promise.reject(new Error('gone'))) };
  const met = proxy.when(kind.asks.part, unanswered, { nth: THERE + 1, times: Infinity });
  const child = storing(place, path, uploads);
  const ended = once(child, 'exit');
  await Promise.race([Promise.all([met.once, proxy.answered(kind.asks.part, THERE)]), ended]);
  child.kill('SIGKILL');
  await ended;
  await proxy.idle();
  proxy.calm();
  proxy.forget();
}

/** Stores the file until some parts are there; then the store goes away. */
export async function interrupted(
  t: ExecutionContext,
  { proxy, kind, storage }: Pick<FaultPlace, 'proxy' | 'kind' | 'storage'>,
  path: string,
): Promise<void> {
  const busy = { answer: kind.says.busy(), before: () => proxy.answered(kind.asks.part, THERE) };
  proxy.when(kind.asks.part, busy, { nth: THERE + 1, times: Infinity });
  await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putFile(KEY, path));
  proxy.calm();
  proxy.forget();
}

export async function makeSource({ work }: FaultPlace): Promise<{ path: string; content: Buffer }> {
  const source = { path: join(work, 'source'), content: randomBytes((PARTS - 1) * PART + MIB + 7) };
  await writeFile(source.path, source.content);
  return source;
}

export const asksHowFar: Match = ({ method, headers }) => method === 'PUT' && headers['content-range'] === 'bytes */*';

/** Google's answer to the question how far a session is, which fake-gcs-server takes for the end of the file. */
export function answerHowFar({ proxy }: FaultPlace, bytes = THERE * PART): void {
  const answer = { status: 308, headers: { range: `bytes=0-${bytes - 1}` } };
  proxy.when(asksHowFar, { answer }, { times: Infinity });
}
