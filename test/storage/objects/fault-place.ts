import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { MemoryBudget } from '../../../src/storage/objects/memory-budget.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { EagerClock } from '../../helpers/eager-clock.ts';
import { startFaultProxy, type FaultProxy } from '../../helpers/fault-proxy.ts';
import { temporaryDirectory } from '../contract.ts';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts';

const MEMORY = 64 * 1024 ** 2;

/** A place of a test's own in a real store, with a proxy before it. */
export interface FaultPlace {
  kind: FaultKind;
  proxy: FaultProxy;
  clock: EagerClock;
  memory: MemoryBudget;
  /** Through the proxy. */
  storage: Storage;
  /** The same place, and nothing in between: what somebody else does, and what is really there. */
  direct: Storage;
  /** Of the place, by way of the proxy. */
  url: string;
  /** A directory of the test's own. */
  work: string;
}

const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 'faults-'));
/** Kinds of which there is a test in this file. */
const wanted = new Set<FaultKind>();
const servers = new Map<FaultKind, Awaited<ReturnType<FaultKind['start']>>>();

test.before(async () => {
  for (const kind of wanted) if (kind.isInstalled) servers.set(kind, await kind.start(join(directory, kind.name)));
});

test.after.always(async () => {
  for (const server of servers.values()) await server.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

async function makePlace(t: ExecutionContext, kind: FaultKind): Promise<FaultPlace> {
  const { endpoint } = servers.get(kind)!;
  const proxy = await startFaultProxy(t, endpoint);
  const clock = new EagerClock();
  const memory = new MemoryBudget(MEMORY);
  const bucket = `b-${randomUUID()}`;
  const work = await temporaryDirectory(t);
  const deps = { pool, baseDirectory: work, create: true, memory, clock, env: kind.env };
  const url = kind.url(proxy.url, bucket);
  const storage = await openStorage(url, deps);
  const direct = await openStorage(kind.url(endpoint, bucket), deps);
  proxy.forget();
  return { kind, proxy, clock, memory, storage, direct, url, work };
}

/**
 * Declares a test for each kind of store whose server is there, or for those chosen. At its end no request is under way, no memory is held and
 * nobody watches any more.
 */
export function faultTest(
  title: string,
  body: (t: ExecutionContext, place: FaultPlace) => Promise<void>,
  chosen: (kind: FaultKind) => boolean = () => true,
): void {
  for (const kind of FAULT_KINDS.filter(chosen)) {
    wanted.add(kind);
    const declare = kind.isInstalled ? test : test.skip;
    declare(`${kind.name}: ${title}`, async (t) => {
      const place = await makePlace(t, kind);
      await body(t, place);
      await place.proxy.idle();
      t.is(place.memory.free, MEMORY, 'all memory was given back');
      t.is(place.clock.sleeping, 0, 'nobody watches a request any more');
    });
  }
}
