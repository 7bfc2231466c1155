import { eachKeyspace } from './each-keyspace.ts';
import { decidingFailure, sweepSnapshots, takeOwnSnapshot } from './own-snapshot.ts';
import { selectForBackup } from './node-backup.ts';
import type { StepContext } from './step-context.ts';

/**
 * `snapshot=together`: only takes the snapshots, so that those of all nodes are seconds apart; the backup step
 * finds them. A keyspace that fails here is tried again there.
 */
export async function nodeSnapshot(context: StepContext): Promise<void> {
  await sweepSnapshots(context);
  const { selection } = await selectForBackup(context);
  context.reporter.plan(selection.keyspaces);
  const failures = await eachKeyspace(context, selection.keyspaces, (keyspace) => takeOwnSnapshot(context, keyspace));
  const failure = decidingFailure(context, failures, selection.keyspaces.length);
  if (failure !== null) throw failure;
}
