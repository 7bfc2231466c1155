import { link, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nextGenerations, parseComponent, renameComponent, tableDirectory } from '../cassandra/sstables.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { fsyncPath, writeDurably } from '../storage/durable.ts';
import { exists, namesIn, readIfPresent, unlessMissing } from './local-files.ts';
import { stagedTableDirectory, type StagedPlan, type StagedSSTable, type StagedTable } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';

/** One SSTable on its way from staging into the live table's directory, under an id that is free there. */
export interface Move {
  dataDirectory: number;
  names: { from: string; to: string }[];
}

/**
 * Under which names a table's SSTables go into its directory: `load.json` beside the staged table, written before the
 * first of them moves, so that every later attempt uses the same names and can tell which have gone.
 */
export interface LoadJournal {
  version: 1;
  jobUuid: string;
  /** The live table's id. */
  tableId: string;
  moves: Move[];
  /** True once Cassandra has taken in all of them. */
  loaded: boolean;
}

type Place = Pick<StepContext, 'dataDirectories' | 'stagingDirectories'>;
type PlanOf = Pick<StagedPlan, 'folder' | 'jobUuid'>;

/** Gives every SSTable an id that none of `existingNames` has. */
export function planMoves(
  sstables: readonly Pick<StagedSSTable, 'dataDirectory' | 'components'>[],
  existingNames: Iterable<string>,
): Move[] {
  const generations = nextGenerations(existingNames, sstables.length);
  return sstables.map(({ dataDirectory, components }, index) => ({
    dataDirectory,
    names: components.map((from) => {
      const component = parseComponent(from);
      if (component === null) throw new OperatorError('INTERNAL', `expected an SSTable component, got ${from}`);
      return { from, to: renameComponent(component, String(generations[index])) };
    }),
  }));
}

/** Null when this job has not begun to load the table. */
export async function readJournal(place: Place, plan: PlanOf, table: StagedTable): Promise<LoadJournal | null> {
  const path = journalPath(place, plan, table);
  const text = await readIfPresent(path);
  if (text === null) return null;
  try {
    const journal = JSON.parse(text) as LoadJournal;
    return journal.version === 1 && journal.jobUuid === plan.jobUuid ? journal : null;
  } catch (error) {
    throw wrapError(`read ${path}`, error, 'LOAD_FAILED');
  }
}

export async function writeJournal(
  place: Place,
  plan: PlanOf,
  table: StagedTable,
  journal: LoadJournal,
): Promise<void> {
  const directory = stagedTableDirectory(place, plan.folder, table, 0);
  await mkdir(directory, { recursive: true });
  await writeDurably(
    journalPath(place, plan, table),
    JSON.stringify(journal),
    place.stagingDirectories[0] ?? directory,
  );
}

export async function removeJournal(place: Place, plan: PlanOf, table: StagedTable): Promise<void> {
  await rm(journalPath(place, plan, table), { force: true });
}

/** From where to where a move goes. */
export function placesOf(
  place: Place,
  plan: PlanOf,
  { keyspace, table }: StagedTable,
  tableId: string,
  { dataDirectory }: Pick<Move, 'dataDirectory'>,
): { staged: string; target: string } {
  const directory = place.dataDirectories[dataDirectory % place.dataDirectories.length] ?? '';
  return {
    staged: stagedTableDirectory(place, plan.folder, { keyspace, table }, dataDirectory),
    target: tableDirectory(directory, keyspace, table, tableId),
  };
}

/**
 * Hands a table's SSTables in one data directory over to the table's directory. Each Data.db goes last and is the only file
 * that is moved; the others are hard links. So there is never a Data.db without the rest, which a starting Cassandra would choke
 * on; what a starting Cassandra does with the rest without Data.db is to delete it (ColumnFamilyStore.scrubDataDirectories), and
 * then it is still in staging. And a Data.db is either here or there: what was handed over is never handed over again. All at once,
 * for the table is empty meanwhile: the disk is waited for three times, not three times an SSTable.
 */
export async function handOver(
  { staged, target }: { staged: string; target: string },
  moves: readonly Move[],
  signal?: AbortSignal,
): Promise<void> {
  const waiting: Move[] = [];
  for (const move of moves) if (!(await isHandedOver({ staged }, move))) waiting.push(move);
  if (waiting.length === 0) return;
  await mkdir(target, { recursive: true });
  for (const move of waiting) {
    signal?.throwIfAborted();
    const data = dataOf(move);
    for (const name of move.names) {
      if (name !== data) await linkOnce(join(staged, name.from), join(target, name.to));
    }
  }
  await fsyncPath(target);
  for (const { from, to } of waiting.map(dataOf)) {
    if (await exists(join(target, to))) throw inTheWay(join(target, to));
    await rename(join(staged, from), join(target, to));
  }
  await fsyncPath(target);
  await fsyncPath(staged);
}

/** True once Data.db has gone over. */
export async function isHandedOver({ staged }: { staged: string }, move: Move): Promise<boolean> {
  return !(await exists(join(staged, dataOf(move).from)));
}

/**
 * Takes back the links of an SSTable that was not handed over; without its Data.db Cassandra knows nothing of it. Files
 * under these names that are not our links are left alone: a Cassandra that was started meanwhile may have given them.
 */
export async function takeBack({ staged, target }: { staged: string; target: string }, move: Move): Promise<void> {
  if (await isHandedOver({ staged }, move)) return;
  for (const { from, to } of move.names) {
    if (await isSameFile(join(staged, from), join(target, to))) await rm(join(target, to));
  }
}

/** Which of the moved SSTables still lie under the names that they were given. */
export async function stillThere(target: string, moves: readonly Move[]): Promise<string[]> {
  const names = new Set(await namesIn(target));
  return moves.map((move) => dataOf(move).to).filter((name) => names.has(name));
}

function dataOf({ names }: Move): { from: string; to: string } {
  const data = names.find(({ from }) => from.endsWith('-Data.db'));
  if (data !== undefined) return data;
  throw new OperatorError('INTERNAL', `expected a Data.db among ${names.map(({ from }) => from).join(', ')}`);
}

async function linkOnce(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'EEXIST') throw wrapError(`link ${to}`, error, 'LOAD_FAILED');
    if (!(await isSameFile(from, to))) throw inTheWay(to);
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([one, other].map((path) => unlessMissing(lstat(path), null)));
  return left?.ino !== undefined && left.ino === right?.ino && left.dev === right.dev;
}

function inTheWay(path: string): OperatorError {
  return new OperatorError('LOAD_FAILED', `expected no file at ${path}, but there is one`, {
    hint: 'The file was not touched. Find out where it comes from, move it away and start the restore again.',
  });
}

function journalPath(place: Place, plan: PlanOf, table: StagedTable): string {
  return join(stagedTableDirectory(place, plan.folder, table, 0), 'load.json');
}
