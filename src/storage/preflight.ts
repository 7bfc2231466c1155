import { randomUUID } from 'node:crypto';
import { OperatorError } from '../errors.ts';
import { isProbe, lockPrefix, probeKey } from './layout.ts';
import type { Storage, StoredEntry } from './storage.ts';

/** A probe of that age was left by somebody who was killed. */
const STALE_MS = 60 * 60 * 1000;

/** Some stores tell whole seconds. */
const SECOND_MS = 1000;

type Place = Pick<Storage, 'url' | 'createDocument' | 'getDocument' | 'list' | 'delete'>;

/**
 * Proves that a location can be written to, read, listed and deleted from, and that it makes no document where there is one, by a document of its own below the cluster's folder that is gone in
 * every outcome; where one stays, for its writer was killed or may not delete, the next preflight sweeps it. Returns by how many ms the store's
 * clock is ahead of this host's (`now`), negative where it is behind, 0 where that cannot be told from the time that it took. Throws what the
 * storage throws, and STORAGE_FAILED where it does not do what it said.
 */
export async function proveWritable(storage: Place, cluster: string, now: () => number): Promise<number> {
  const key = probeKey(cluster, randomUUID());
  const content = `cassandra-mesos was here to see whether it can write: ${key}\n`;
  try {
    const before = now();
    if (!(await storage.createDocument(key, content))) throw broken(storage, key, 'to be new', 'it is there already');
    const after = now();
    // Whoever takes the place of a document that is there lets two schedulers have the lock.
    if (await storage.createDocument(key, `${content}twice\n`))
      throw broken(storage, key, 'not to be made a second time', 'a new one in its place');
    const read = await storage.getDocument(key);
    if (read !== content) throw broken(storage, key, 'as it was stored', read === null ? 'nothing' : 'something else');
    const probes = await listed(storage, cluster);
    const own = probes.find((probe) => probe.key === key);
    if (own === undefined) throw broken(storage, key, 'to be listed', 'a list without it');
    await storage.delete(key);
    const left = await storage.getDocument(key);
    if (left !== null) throw broken(storage, key, 'to be gone once it is deleted', 'it is still there');
    await sweep(storage, probes, own.modified);
    return aheadBy(own.modified, before, after);
  } catch (error) {
    // What went wrong is told; that it stays there is what the next preflight sees to.
    await storage.delete(key).catch(() => false);
    throw error;
  }
}

async function listed(storage: Place, cluster: string): Promise<StoredEntry[]> {
  const probes: StoredEntry[] = [];
  for await (const entry of storage.list(lockPrefix(cluster))) if (isProbe(entry.key)) probes.push(entry);
  return probes;
}

/** By the store's own clock: the hosts' may differ. */
async function sweep(storage: Place, probes: readonly StoredEntry[], storeNow: number): Promise<void> {
  for (const { key, modified } of probes) if (storeNow - modified >= STALE_MS) await storage.delete(key);
}

/** The document was stored at some moment between the two. */
function aheadBy(modified: number, before: number, after: number): number {
  if (modified > after) return modified - after;
  return Math.min(0, modified + SECOND_MS - before);
}

function broken({ url }: Place, key: string, expected: string, got: string): OperatorError {
  return new OperatorError('STORAGE_FAILED', `expected ${key} at ${url} ${expected}, got ${got}`, {
    hint: 'The place does not keep what it says: check endpoint in the location, caches and proxies before the store, and its file system.',
  });
}
