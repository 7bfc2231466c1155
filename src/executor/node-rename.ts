import { OperatorError } from '../errors.ts';
import { planRenaming, renameExecutor } from '../storage/rename-executor.ts';
import type { StepContext } from './step-context.ts';

/** Renames an executor's folders where this node sees the location; what is not there, or was renamed already, is fine. Cut short, it goes on. */
export async function nodeRename({ request, storage, reporter, signal }: StepContext): Promise<void> {
  const { cluster, renameFrom: from, renameTo: to, names, dryRun } = request;
  if (from === undefined || to === undefined)
    throw new OperatorError('INTERNAL', 'expected two executor ids, got none');
  const renaming = { cluster, from, to, names };
  reporter.rename(dryRun ? await planRenaming(storage, renaming) : await renameExecutor(storage, renaming, signal));
}
