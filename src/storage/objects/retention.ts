import type { StoredEntry } from '../storage.ts';
import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';

const AT_ONCE = 16;

/** The latest time until which the store retains one of these objects, as Storage.retainedUntil. No listing tells, so each is asked for. */
export async function latestRetention(
  transfer: Transfer,
  objects: AsyncIterable<StoredEntry>,
  { keep, signal }: { keep?: ReadonlySet<string>; signal?: AbortSignal } = {},
): Promise<number | null> {
  const { store, clock } = transfer;
  if (!(await attempt(transfer, 'looking for retention', (one) => mayRetain(store, one.signal), signal))) return null;
  let latest = clock.now();
  const left = objects[Symbol.asyncIterator]();
  const lane = async (): Promise<void> => {
    for (let next = await left.next(); !next.done; next = await left.next()) {
      const { key } = next.value;
      if (keep?.has(key)) continue;
      const facts = await attempt(transfer, `looking for ${key}`, (one) => store.head(key, one.signal), signal);
      latest = Math.max(latest, facts?.retainedUntil ?? 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return latest > clock.now() ? latest : null;
}

/** A store that knows no retention does not say so. */
async function mayRetain(store: Transfer['store'], signal: AbortSignal): Promise<boolean> {
  return (await store.retains?.(signal)) ?? false;
}
