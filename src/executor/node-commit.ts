import { OperatorError } from '../errors.ts';
import { recordKey } from '../storage/layout.ts';
import { readOwnManifest } from './node-confirm.ts';
import type { StepContext } from './step-context.ts';

/**
 * Writes the cluster's record: from then on there is a backup. Not over a part that has gone since it was confirmed.
 * Done twice it changes nothing.
 */
export async function nodeCommit(context: StepContext): Promise<void> {
  const { request, storage, signal } = context;
  await readOwnManifest(context);
  const record = request.record ?? '';
  const key = recordKey(request.cluster, request.backupName);
  const present = await storage.getDocument(key);
  if (present === record) return;
  if (present !== null) {
    throw new OperatorError(
      'NAME_TAKEN',
      `another backup has the name ${request.backupName}: ${key} is there already`,
      {
        hint: 'A backup name is used once: choose another one.',
      },
    );
  }
  signal.throwIfAborted();
  await storage.flush();
  await storage.putDocument(key, record);
}
