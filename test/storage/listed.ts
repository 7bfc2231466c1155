import type { Storage } from '../../src/storage/storage.ts';

/** What lies below a prefix, by key. */
export async function listed(storage: Storage, prefix = ''): Promise<{ key: string; size: number }[]> {
  const entries: { key: string; size: number }[] = [];
  for await (const { key, size } of storage.list(prefix)) entries.push({ key, size });
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}
