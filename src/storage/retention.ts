import { OperatorError } from '../errors.ts';
import type { Storage } from './storage.ts';

/**
 * Throws BACKUP_RETAINED where the store does not let everything below these prefixes be deleted now. To be asked before anything is changed, so that
 * nothing is half done. `keep`: what is not going to be.
 */
export async function refuseRetained(
  storage: Pick<Storage, 'url' | 'retainedUntil'>,
  prefixes: readonly string[],
  options: { keep?: ReadonlySet<string>; signal?: AbortSignal } = {},
): Promise<void> {
  for (const prefix of prefixes) {
    const until = await storage.retainedUntil(prefix, options);
    if (until === null) continue;
    const when = until === Infinity ? 'while its legal hold stands' : `before ${new Date(until).toISOString()}`;
    throw new OperatorError(
      'BACKUP_RETAINED',
      `${prefix} at ${storage.url} can neither be deleted nor be renamed ${when}: the store retains objects of it (object lock)`,
      { hint: 'Wait until then. Nothing was changed, and the backup can be restored.' },
    );
  }
}
