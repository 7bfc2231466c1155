import { schemaNow } from './backup-source.ts';
import { placesOf, readJournal, removeJournal, stillThere, takeBack } from './load-journal.ts';
import type { StagedPlan, StagedTable } from './staged-plan.ts';
import type { NodeContext } from './step-context.ts';

/**
 * Brings the load of a job that nobody continues to an end: what was handed over to Cassandra and not taken in yet is
 * loaded now, because Cassandra would do it at its next start anyway, when nobody expects it; what was on its way
 * is taken back. Nothing that was handed over is ever removed.
 */
export async function settle(context: NodeContext, plan: StagedPlan): Promise<void> {
  if (plan.verified) return;
  const { node, signal, log } = context;
  for (const staged of plan.tables) {
    const journal = await readJournal(context, plan, staged);
    if (journal === null) continue;
    const { keyspace, table } = staged;
    let left = 0;
    for (const move of journal.moves) {
      const places = placesOf(context, plan, staged, journal.tableId, move);
      await takeBack(places, move);
      left += (await stillThere(places.target, [move])).length;
    }
    if (left > 0 && !journal.loaded && (await exists(context, staged, journal.tableId))) {
      log.warn(
        { keyspace, table, sstables: left, earlierJob: plan.jobUuid },
        'ending the load that an earlier restore began',
      );
      await node.loadNewSSTables(keyspace, table, signal);
    }
    await removeJournal(context, plan, staged);
  }
}

/** False when the table was dropped, or dropped and made again. */
async function exists(
  context: Pick<NodeContext, 'node' | 'signal'>,
  { keyspace }: StagedTable,
  tableId: string,
): Promise<boolean> {
  const { tables } = await schemaNow(context, [keyspace]);
  return tables.some(({ id }) => id === tableId);
}
