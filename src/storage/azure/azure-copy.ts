import type { ContainerClient } from '@azure/storage-blob';
import type { Clock } from '../../clock.ts';
import { OperatorError } from '../../errors.ts';
import { ShortRead } from '../objects/watch.ts';
import type { AccessTier } from './azure-location.ts';

const POLL_MS = 500;
/** A copy of which nothing more comes for so long is given up. */
const LONGEST_SILENCE_MS = 600_000;

/**
 * Copies a blob within its account, whatever its size: as a rule Azure has done it when it answers. One that takes longer goes on there also when
 * nobody waits for it any more.
 */
export async function copyBlob(
  container: ContainerClient,
  { from, to, tier }: { from: string; to: string; tier?: AccessTier },
  { clock, signal }: { clock: Clock; signal: AbortSignal | undefined },
): Promise<void> {
  const target = container.getBlobClient(to);
  const abort = signal === undefined ? {} : { abortSignal: signal };
  // The source's url has the SAS in it, where there is one; account keys and tokens hold for all blobs of the account.
  const options = { ...abort, ...(tier && { tier }) };
  const poller = await target.beginCopyFromURL(container.getBlobClient(from).url, options);
  if (poller.isDone()) return;
  let progress: string | undefined;
  for (let waited = 0; waited < LONGEST_SILENCE_MS; waited += POLL_MS) {
    await clock.sleep(POLL_MS, signal);
    const { copyStatus, copyProgress, copyStatusDescription, etag } = await target.getProperties(abort);
    if (copyStatus === 'success') return;
    if (copyStatus !== 'pending') {
      // What was begun has no bytes, and must not pass for the blob.
      await target.delete({ conditions: { ifMatch: etag ?? '' } });
      throw new OperatorError(
        'STORAGE_UNAVAILABLE',
        `copying ${from} to ${to}: ${copyStatusDescription ?? copyStatus}`,
      );
    }
    if (copyProgress !== progress) waited = 0;
    progress = copyProgress;
  }
  throw new ShortRead(`the copy of ${from} stands still at ${progress ?? 'nothing'}`);
}
