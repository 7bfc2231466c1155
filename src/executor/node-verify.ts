import { OperatorError } from '../errors.ts';
import { eachKeyspace } from './each-keyspace.ts';
import { readJournal } from './load-journal.ts';
import { countSSTables } from './node-load.ts';
import { readPlan, removeStaged, writePlan, type StagedPlan } from './staged-plan.ts';
import type { NodeContext } from './step-context.ts';

/**
 * Last look at a restore on this node: what was staged was loaded, and what there is of it is live. Then the staged files go. The plan
 * stays, small as it is, until the next restore: an answer that got lost can be given again.
 */
export async function nodeVerify(context: NodeContext): Promise<void> {
  const { request, reporter } = context;
  const plan = await readPlan(context, request.jobUuid);
  reporter.plan(plan.keyspaces);
  const failures = await eachKeyspace(context, plan.keyspaces, (keyspace) =>
    plan.verified ? Promise.resolve() : verifyKeyspace(context, plan, keyspace),
  );
  if (failures.length > 0) throw failures[0];
  await writePlan(context, { ...plan, verified: true });
  await removeStaged(context);
}

async function verifyKeyspace(context: NodeContext, plan: StagedPlan, keyspace: string): Promise<void> {
  for (const staged of plan.tables.filter((table) => table.keyspace === keyspace)) {
    const { table, sstables } = staged;
    context.reporter.current(`${keyspace}.${table}`);
    if (sstables.length === 0) continue;
    const journal = await readJournal(context, plan, staged);
    if (journal?.loaded !== true || journal.moves.length !== sstables.length) {
      throw new OperatorError(
        'LOAD_FAILED',
        `expected ${sstables.length} SSTables of ${keyspace}.${table} to be loaded, not all are`,
        { details: { table } },
      );
    }
    // That they were taken in was proved by the load. Gone altogether they may be since: what has expired is compacted away.
    const { live, onDisk } = await countSSTables(context, staged, journal.tableId);
    if (live === 0 && onDisk > 0) {
      throw new OperatorError(
        'LOAD_FAILED',
        `${sstables.length} SSTables of ${keyspace}.${table} were loaded, but of the ${onDisk} on the disk none is live`,
        { details: { table } },
      );
    }
  }
}
