import { listSafetySnapshots } from '../cassandra/snapshots.ts';
import { tableDirectory } from '../cassandra/sstables.ts';
import type { TableSchema } from '../cassandra/schema.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { schemaNow } from './backup-source.ts';
import { eachKeyspace } from './each-keyspace.ts';
import { namesIn } from './local-files.ts';
import {
  handOver,
  isHandedOver,
  placesOf,
  planMoves,
  readJournal,
  stillThere,
  takeBack,
  writeJournal,
  type LoadJournal,
  type Move,
} from './load-journal.ts';
import { readPlan, type StagedPlan, type StagedSSTable, type StagedTable } from './staged-plan.ts';
import type { NodeContext } from './step-context.ts';

/** Loads what the node has staged into its live tables. An attempt after a failure takes up where the one before was. */
export async function nodeLoad(context: NodeContext): Promise<void> {
  const { request, reporter, signal } = context;
  const plan = await readPlan(context, request.jobUuid);
  const all = plan.tables.flatMap((table) => table.sstables);
  reporter.plan(plan.keyspaces);
  reporter.expect({ bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), files: countFiles(plan.tables) });
  const live = await schemaNow(context, plan.keyspaces);

  const failures = await eachKeyspace(context, plan.keyspaces, async (keyspace) => {
    for (const staged of plan.tables.filter((table) => table.keyspace === keyspace)) {
      signal.throwIfAborted();
      const table = live.tables.find((entry) => entry.keyspace === keyspace && entry.table === staged.table);
      if (table === undefined) throw missing(staged);
      await loadTable(context, plan, staged, table);
    }
  });
  if (failures.length > 0) throw failures[0];
}

async function loadTable(
  context: NodeContext,
  plan: StagedPlan,
  staged: StagedTable,
  live: TableSchema,
): Promise<void> {
  const { reporter, dataDirectories } = context;
  const { keyspace, table, sstables } = staged;
  reporter.current(`${keyspace}.${table}`);
  try {
    const journal = await journalOf(context, plan, staged, live);
    if (!journal.loaded && sstables.length > 0) await moveAndLoad(context, plan, staged, journal);
    for (const { bytes, components } of sstables) {
      reporter.moved(bytes);
      reporter.filesDone(keyspace, table, { files: components.length, bytes });
    }
    // Not before it is loaded: a table that the report mentions without an error counts as done.
    const [safety] = await listSafetySnapshots(dataDirectories, keyspace, live.id, plan.staged);
    reporter.table(keyspace, table, { safetySnapshot: safety?.tag ?? null });
  } catch (error) {
    context.signal.throwIfAborted();
    const wrapped = wrapError(`load ${keyspace}.${table}`, error, 'LOAD_FAILED');
    throw new OperatorError(wrapped.code, wrapped.message, {
      cause: error,
      details: { ...wrapped.details, table },
      ...(wrapped.hint === undefined ? {} : { hint: wrapped.hint }),
    });
  }
}

/**
 * The journal to go on with. What an earlier attempt has not handed over gets new names: a Cassandra that was started
 * meanwhile goes on counting from the highest name that it saw, and could come upon those of before.
 */
async function journalOf(
  context: NodeContext,
  plan: StagedPlan,
  staged: StagedTable,
  { id }: TableSchema,
): Promise<LoadJournal> {
  const found = await readJournal(context, plan, staged);
  if (found?.loaded === true) return found;
  if (found !== null && found.tableId !== id) {
    throw new OperatorError('SCHEMA_MISMATCH', `the table was dropped and made again while it was being restored`, {
      hint: 'Start the restore again.',
    });
  }
  const gone: Move[] = [];
  const waiting: Pick<StagedSSTable, 'dataDirectory' | 'components'>[] = found === null ? staged.sstables : [];
  for (const move of found?.moves ?? []) {
    const places = placesOf(context, plan, staged, id, move);
    if (await isHandedOver(places, move)) {
      gone.push(move);
    } else {
      await takeBack(places, move);
      waiting.push({ dataDirectory: move.dataDirectory, components: move.names.map(({ from }) => from) });
    }
  }
  const moves = [...gone, ...planMoves(waiting, await filesOf(context, staged, id))];
  const journal: LoadJournal = { version: 1, jobUuid: plan.jobUuid, tableId: id, moves, loaded: false };
  await writeJournal(context, plan, staged, journal);
  return journal;
}

async function moveAndLoad(
  context: NodeContext,
  plan: StagedPlan,
  staged: StagedTable,
  journal: LoadJournal,
): Promise<void> {
  const { node, signal } = context;
  const { keyspace, table } = staged;
  for (const dataDirectory of new Set(journal.moves.map((move) => move.dataDirectory))) {
    const moves = journal.moves.filter((move) => move.dataDirectory === dataDirectory);
    await handOver(placesOf(context, plan, staged, journal.tableId, { dataDirectory }), moves, signal);
  }
  await node.loadNewSSTables(keyspace, table, signal);
  await proveLoaded(context, plan, staged, journal);
  await writeJournal(context, plan, staged, { ...journal, loaded: true });
}

/**
 * Here, right after Cassandra said that it has loaded, is the place to prove it; later nobody can. Cassandra renames what
 * it takes in, so names that are gone are proof. Names that stay are fine when Cassandra was started meanwhile and opened
 * the files as they were: then every Data.db of the table is live. That none is live is fine only when none is on the disk
 * either: a compaction drops SSTables whose data has all expired (TTL), and may do so at once. Throws LOAD_FAILED.
 */
async function proveLoaded(
  context: NodeContext,
  plan: StagedPlan,
  staged: StagedTable,
  { moves, tableId }: LoadJournal,
): Promise<void> {
  const left: string[] = [];
  for (const move of moves) {
    left.push(...(await stillThere(placesOf(context, plan, staged, tableId, move).target, [move])));
  }
  const { live, onDisk } = await countSSTables(context, staged, tableId);
  if (left.length === 0 ? live > 0 || onDisk === 0 : live >= onDisk) return;
  throw new OperatorError(
    'LOAD_FAILED',
    left.length > 0
      ? `Cassandra did not take in ${left.length} of ${moves.length} SSTables: ${left.slice(0, 10).join(', ')}`
      : `Cassandra took in ${moves.length} SSTables, but none is live`,
    { hint: "Look for the reason in Cassandra's log; the files lie in the table's directory." },
  );
}

/** How many SSTables of a table Cassandra has open, and how many lie in its directories. */
export async function countSSTables(
  context: NodeContext,
  table: Pick<StagedTable, 'keyspace' | 'table'>,
  tableId: string,
): Promise<{ live: number; onDisk: number }> {
  const live = await context.node.liveSSTableCount(table.keyspace, table.table, context.signal);
  const names = await filesOf(context, table, tableId);
  return { live, onDisk: names.filter((name) => name.endsWith('-Data.db')).length };
}

/** Names of all files of the table, in whatever data directory. */
async function filesOf(
  { dataDirectories }: NodeContext,
  { keyspace, table }: Pick<StagedTable, 'keyspace' | 'table'>,
  tableId: string,
): Promise<string[]> {
  const names = await Promise.all(
    dataDirectories.map((directory) => namesIn(tableDirectory(directory, keyspace, table, tableId))),
  );
  return names.flat();
}

function countFiles(tables: StagedTable[]): number {
  return tables.flatMap(({ sstables }) => sstables).reduce((sum, { components }) => sum + components.length, 0);
}

function missing({ keyspace, table }: StagedTable): OperatorError {
  return new OperatorError('SCHEMA_MISMATCH', `expected table ${keyspace}.${table} to exist, it does not`, {
    details: { table },
    hint: 'Was it dropped while the restore ran? Start the restore again.',
  });
}
