import { OperatorError } from '../../errors.ts';
import type { Storage } from '../storage.ts';
import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';

const AT_ONCE = 8;

/**
 * Gives everything below a prefix another one. All is copied before anything is deleted, so that a move that was cut short shows by what is
 * where: more than at the target lies at the source, or the other way round. Throws NAME_TAKEN where neither holds.
 */
export async function moveObjects(
  transfer: Transfer,
  storage: Pick<Storage, 'list' | 'deleteFolder'>,
  { from, to }: { from: string; to: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const source = await sizesBelow(storage, from);
  if (source.size === 0) return false;
  const target = await sizesBelow(storage, to);
  const missing = [...source.keys()].filter((name) => !target.has(name));
  const isOther = [...target].some(([name, size]) =>
    source.has(name) ? source.get(name) !== size : missing.length > 0,
  );
  if (isOther) throw new OperatorError('NAME_TAKEN', `expected nothing at ${to}, but something is there`);
  const left = missing.values();
  const lane = async (): Promise<void> => {
    for (const name of left) {
      signal?.throwIfAborted();
      const copy = () => transfer.store.copy(from + name, to + name, source.get(name) ?? 0, signal);
      await attempt(transfer, `moving ${from}${name} to ${to}`, copy, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await storage.deleteFolder(from, signal === undefined ? {} : { signal });
  return true;
}

async function sizesBelow(storage: Pick<Storage, 'list'>, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of storage.list(prefix)) sizes.set(key.slice(prefix.length), size);
  return sizes;
}
