import { schemaNow } from './backup-source.ts';
import { placesOf, readJournal, removeJournal, stillThere, takeBack } from './load-journal.ts';
import type { StagedPlan } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';

/**
 * Brings the load of a job that nobody continues to an end: what was handed over to Cassandra and not taken in yet is
 * loaded now, because Cassandra would do it at its next start anyway, when nobody expects it; what was on its way
 * is taken back. Nothing that was handed over is ever removed.
 */
export async function settle(context: StepContext, plan: StagedPlan): Promise<void> {
  if (plan.verified) return;
  const { node, signal, log } = context;
  const live = await schemaNow(context, plan.keyspaces);
  for (const staged of plan.tables) {
    const journal = await readJournal(context, plan, staged);
    if (journal === null) continue;
    const { keyspace, table } = staged;
    const here = live.tables.find((entry) => entry.keyspace === keyspace && entry.table === table);
    let left = 0;
    for (const move of journal.moves) {
      const places = placesOf(context, plan, staged, journal.tableId, move);
      await takeBack(places, move);
      left += (await stillThere(places.target, [move])).length;
    }
    if (left > 0 && !journal.loaded && here?.id === journal.tableId) {
      log.warn({ keyspace, table, sstables: left, job: plan.jobUuid }, 'ending the load that an earlier restore began');
      await node.loadNewSSTables(keyspace, table, signal);
    }
    await removeJournal(context, plan, staged);
  }
}
