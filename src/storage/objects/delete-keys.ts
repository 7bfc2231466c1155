import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';

/** Deletes objects, as many at once as the store allows. `onKey`: one has gone. */
export async function deleteKeys(
  transfer: Transfer,
  keys: Iterable<string> | AsyncIterable<string>,
  { signal, onKey }: { signal?: AbortSignal | undefined; onKey?: ((key: string) => void) | undefined },
): Promise<void> {
  const { store } = transfer;
  const batch: string[] = [];
  const deleteBatch = async (): Promise<void> => {
    const now = batch.splice(0);
    if (now.length === 0) return;
    const what = `deleting ${now.length} objects from ${now[0]} on`;
    await attempt(transfer, what, (one) => store.deleteAll(now, one.signal), signal);
    for (const key of now) onKey?.(key);
  };
  for await (const key of keys) {
    signal?.throwIfAborted();
    batch.push(key);
    if (batch.length === store.limits.deletedAtOnce) await deleteBatch();
  }
  await deleteBatch();
}
