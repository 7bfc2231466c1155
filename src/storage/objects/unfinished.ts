import type { StoredEntry, SweepOptions } from '../storage.ts';
import { checkPrefix } from '../layout.ts';
import type { UnfinishedUpload } from './object-store.ts';
import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';

/**
 * Ends the uploads below a prefix that were begun before a time and never ended: their parts cost as much as objects, and no listing shows
 * them. Whatever lies below the folder of a cluster is ours; for the whole location, where others may write too, nothing is done.
 */
export async function* sweepUploads(
  transfer: Transfer,
  prefix: string,
  { before, dryRun, signal }: SweepOptions,
): AsyncGenerator<StoredEntry> {
  if (checkPrefix(prefix) === '') return;
  const found = await attempt(
    transfer,
    `listing unfinished uploads below ${prefix}`,
    async (one) => {
      const uploads: UnfinishedUpload[] = [];
      for await (const upload of transfer.store.unfinished(prefix, one.signal)) uploads.push(upload);
      return uploads;
    },
    signal,
  );
  for (const upload of found) {
    signal?.throwIfAborted();
    const { key, size, initiated } = upload;
    if (initiated > before) continue;
    if (!dryRun) await attempt(transfer, `ending the unfinished upload of ${key}`, () => upload.end(), signal);
    yield { key, size, modified: initiated, changed: initiated };
  }
}
