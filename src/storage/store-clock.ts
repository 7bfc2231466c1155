import { OperatorError } from '../errors.ts';
import { lockPrefix } from './layout.ts';
import type { Storage } from './storage.ts';

/** The store's own time, epoch ms: that of a document written just now. Clocks of hosts differ, and may be set back. */
export async function storeNow(storage: Pick<Storage, 'putDocument' | 'list'>, cluster: string): Promise<number> {
  const prefix = lockPrefix(cluster);
  const clock = `${prefix}clock`;
  await storage.putDocument(clock, '');
  for await (const { key, modified } of storage.list(prefix)) if (key === clock) return modified;
  throw new OperatorError('STORAGE_FAILED', `expected ${clock} to be listed, as it was written just now`);
}
