import type { Hashing } from '../hasher.ts';
import type { Throttle } from '../throttle.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { ObjectLimits, ObjectStore } from './object-store.ts';
import type { Tries } from './retry.ts';

/** What the transfers of a process to and from one place work with. */
export interface Transfer extends Tries {
  store: ObjectStore;
  memory: MemoryBudget;
  throttle: Throttle;
  hashing: Hashing;
}

const MIB = 1024 * 1024;

/** Bytes of each part, but for the last, of an object that has at most so many bytes. */
export function partBytes(atMost: number, { part, parts }: ObjectLimits): number {
  return Math.max(part, Math.ceil(atMost / parts / MIB) * MIB);
}

/** Waits until so many bytes may be moved. Rejects with the signal's reason. */
export async function mayMove(
  { throttle }: Pick<Transfer, 'throttle'>,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  let left = throttle.rate === null ? 0 : bytes;
  while (left > 0) {
    left -= await throttle.take(left, signal);
    signal.throwIfAborted();
  }
}
