import { messageOf, OperatorError } from '../errors.ts';
import type { PruneReport } from '../model/step.ts';
import { deleteBackup, Deletions, endDeletions } from './node-delete.ts';
import type { StepContext } from './step-context.ts';

/** Why a backup is not deleted, though all others may be. */
const STAYS: ReadonlySet<string> = new Set(['BACKUP_NEEDED', 'BACKUP_RETAINED']);

/**
 * Deletes backups one after the other, as node-delete does each. One that has to stay is noted and the others go all the same; what is not
 * there any more is fine. Cut short, the next attempt goes on.
 */
export async function nodePrune(context: StepContext): Promise<void> {
  const { request, reporter, signal } = context;
  const names = request.names ?? [];
  const report: PruneReport = { whole: names.length > 0, deleted: [], kept: [], files: 0, filesKept: 0 };
  const known = new Deletions(context);
  for (const name of names) {
    signal.throwIfAborted();
    try {
      const { found, whole, files, kept } = await deleteBackup(context, name, () => reporter.prune(report), known);
      report.whole &&= found && whole;
      report.files += files;
      report.filesKept += kept;
      if (found) report.deleted.push(name);
    } catch (error) {
      if (!(error instanceof OperatorError) || !STAYS.has(error.code)) throw error;
      report.whole = false;
      report.kept.push({ name, reason: messageOf(error) });
    }
  }
  await endDeletions(context, known);
  reporter.prune(report);
}
