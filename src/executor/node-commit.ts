import { OperatorError } from '../errors.ts';
import { recordKey } from '../storage/layout.ts';
import type { StepContext } from './step-context.ts';

/** Writes the cluster's record: from then on there is a backup. Done twice it changes nothing. */
export async function nodeCommit({ request, storage, signal }: StepContext): Promise<void> {
  if (request.record === null) throw new OperatorError('INTERNAL', 'expected the record to commit, got none');
  const key = recordKey(request.cluster, request.backupName);
  const present = await storage.getDocument(key);
  if (present === request.record) return;
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
  await storage.putDocument(key, request.record);
}
