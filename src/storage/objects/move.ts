import { OperatorError } from '../../errors.ts';
import type { Storage } from '../storage.ts';
import { deleteKeys } from './delete-keys.ts';
import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';
import { endable, type Try } from './watch.ts';

const AT_ONCE = 8;

/**
 * Gives everything below a prefix another one. All is copied before anything is deleted, so that a move that was cut short shows by what is
 * where: more than at the target lies at the source, or the other way round. Throws NAME_TAKEN where neither holds.
 */
export async function moveObjects(
  transfer: Transfer,
  storage: Pick<Storage, 'list'>,
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
  await severalAtOnce(missing, signal, async (name, copying) => {
    const copy = (one: Try) => transfer.store.copy(from + name, to + name, source.get(name) ?? 0, one.signal);
    await attempt(transfer, `moving ${from}${name} to ${to}`, copy, copying);
  });
  // What has come there since was not copied.
  const copied = [...source.keys()].map((name) => from + name);
  await deleteKeys(transfer, copied, { signal });
  return true;
}

/** Ends with the first failure, when nothing is under way any more. */
async function severalAtOnce(
  names: Iterable<string>,
  signal: AbortSignal | undefined,
  act: (name: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const all = endable(signal);
  const left = names[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    try {
      for (let next = left.next(); next.done !== true; next = left.next()) {
        all.signal.throwIfAborted();
        await act(next.value, all.signal);
      }
    } catch (error) {
      all.end(error);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  all.signal.throwIfAborted();
}

async function sizesBelow(storage: Pick<Storage, 'list'>, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of storage.list(prefix)) sizes.set(key.slice(prefix.length), size);
  return sizes;
}
