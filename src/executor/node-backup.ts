import type { Schema, TableSchema } from '../cassandra/schema.ts';
import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { BackupProgress, type Stored } from './backup-progress.ts';
import { DigestCache } from './digest-cache.ts';
import { eachKeyspace } from './each-keyspace.ts';
import { EarlierFiles, readEarlierFiles } from './earlier-files.ts';
import { liveSize, NOTHING, sumOf, type Size } from './live-size.ts';
import {
  clearOwnSnapshot,
  decidingFailure,
  mayTryAgain,
  readOwnSnapshot,
  sweepSnapshots,
  takeOwnSnapshot,
} from './own-snapshot.ts';
import { select, type Selection } from './selection.ts';
import type { StepContext } from './step-context.ts';
import type { Knowledge } from './store-file.ts';
import { storeKeyspace, tableKey } from './store-keyspace.ts';
import { storeManifest } from './store-manifest.ts';
import { partsToKeep, presentRecord } from './take-over.ts';

/**
 * Backs the node up: one keyspace at a time is snapshotted, copied and cleared; the manifest comes last. An attempt after
 * the first goes on where the one before was.
 */
export async function nodeBackup(context: StepContext): Promise<void> {
  const { reporter } = context;
  await sweepSnapshots(context);
  const { schema, selection } = await selectForBackup(context);
  const [known, sizes] = await Promise.all([knowledge(context, selection), estimate(context, selection)]);
  reporter.plan([...sizes.keys()]);
  expectTotal(context, sizes);

  const backUp = async (keyspace: string): Promise<void> => {
    const done = known.progress.keyspace(keyspace);
    if (done !== undefined) {
      sizes.set(keyspace, sumOf(done.files.map(({ size }) => ({ bytes: size, files: 1 }))));
      expectTotal(context, sizes);
      reporter.restore(keyspace, done.report);
      // Of a resumed backup that took the snapshots of all nodes together.
      if (context.request.snapshotTaken) await clearOwnSnapshot(context, keyspace);
      return;
    }
    refuseUnknown(selection, keyspace);
    const tables = selection.tables.filter((table) => table.keyspace === keyspace);
    await backUpKeyspace(context, known, { keyspace, tables }, (size) => {
      sizes.set(keyspace, size);
      expectTotal(context, sizes);
    });
  };
  const failures = await remembering(context, known, schema, () => eachKeyspace(context, [...sizes.keys()], backUp));
  const failure = decidingFailure(context, failures, sizes.size);
  if (failure !== null) throw failure;
  await storeManifest(context, schema, known.progress, [...sizes.keys()]);
}

async function knowledge(context: StepContext, selection: Selection<TableSchema>): Promise<Knowledge> {
  const { request, storage, clock, digestDirectory, log } = context;
  return {
    mayRefer: await storage.coding.mayRefer(),
    progress: await openProgress(context, selection),
    digests: await DigestCache.open(digestDirectory, log, clock.now()),
    earlier: request.mode === 'full' ? new EarlierFiles() : await readEarlierFiles(context),
  };
}

/** A resumed backup goes on with what lies there, and says what that is: all nodes have to go on with the same backup. */
async function openProgress(context: StepContext, selection: Selection<TableSchema>): Promise<BackupProgress> {
  const { request, storage, reporter, clock } = context;
  if (!request.resume) return BackupProgress.open(storage, request, clock);
  const present = await presentRecord(context);
  const keep = (stored: Stored) => partsToKeep(context, selection, present, stored);
  const progress = await BackupProgress.open(storage, request, clock, keep);
  reporter.resumed({ origin: progress.origin, recordSha256: present?.sha256 ?? null });
  return progress;
}

/** However the work ends: what was found out of the node's files is kept for the next time. */
async function remembering<T>(
  { clock, log }: StepContext,
  { digests, progress }: Knowledge,
  schema: Schema,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await saveInTime(progress, clock, log);
    throw error;
  } finally {
    digests.keepOnly(new Set(schema.tables.map(({ keyspace, table, id }) => tableKey(keyspace, table, id))));
    await digests.save(clock.now());
  }
}

/** A location that hangs must not keep the step from ending. */
const SAVE_MS = 10_000;

/** What is stored of a keyspace that was cut short need not be sent again by whoever goes on. */
async function saveInTime(progress: BackupProgress, clock: Clock, log: Logger): Promise<void> {
  const patience = new AbortController();
  try {
    await Promise.race([progress.save(), pause(clock, SAVE_MS, patience.signal)]);
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'how far the backup is could not be noted');
  } finally {
    patience.abort();
  }
}

/** The keyspaces and tables that the job asks for. Throws NOTHING_TO_BACK_UP when the node has no keyspace at all. */
export async function selectForBackup(
  context: StepContext,
): Promise<{ schema: Schema; selection: Selection<TableSchema> }> {
  const { request, node, signal } = context;
  const asked = [...(request.keyspaces ?? []), ...(request.tables ?? []).map((table) => table.split('.', 1)[0])];
  // Users and roles are another matter than data: only who names them gets them.
  const schema = await node.schema(asked.includes('system_auth') ? ['system_auth'] : [], signal);
  const selection = select(schema, request);
  if (selection.keyspaces.length === 0 && selection.unknown.length === 0) {
    throw new OperatorError('NOTHING_TO_BACK_UP', 'expected at least one keyspace besides the system ones, found none');
  }
  return { schema, selection };
}

async function backUpKeyspace(
  context: StepContext,
  known: Knowledge,
  { keyspace, tables }: { keyspace: string; tables: TableSchema[] },
  onScan: (size: Size) => void,
): Promise<void> {
  let keep = false;
  try {
    const snapshot = await snapshotOf(context, keyspace, tables);
    onScan(sumOf(snapshot.flatMap(({ files }) => files.map(({ size }) => ({ bytes: size, files: 1 })))));
    await storeKeyspace(context, known, keyspace, tables, snapshot);
  } catch (error) {
    keep = context.request.snapshotTaken && !context.signal.aborted && mayTryAgain(context, error);
    throw error;
  } finally {
    // A snapshot that was taken on all nodes together cannot be taken again: the next attempt wants this one.
    if (!keep) await clearOwnSnapshot(context, keyspace);
  }
}

async function snapshotOf(context: StepContext, keyspace: string, tables: TableSchema[]) {
  if (context.request.snapshotTaken) {
    try {
      return await readOwnSnapshot(context, keyspace, tables);
    } catch (error) {
      context.log.warn(
        { keyspace, err: error },
        'the snapshot of all nodes together is not usable, a new one is taken',
      );
    }
  }
  await takeOwnSnapshot(context, keyspace);
  return readOwnSnapshot(context, keyspace, tables);
}

function refuseUnknown({ unknown }: Selection<TableSchema>, keyspace: string): void {
  const names = unknown.filter((entry) => entry.keyspace === keyspace).map((entry) => entry.name);
  if (names.length === 0) return;
  const [name] = names;
  throw new OperatorError(
    'NOT_FOUND',
    name === keyspace
      ? `no such keyspace: ${keyspace}${keyspace.startsWith('system') ? ' (system keyspaces are not backed up)' : ''}`
      : `no such table: ${names.join(', ')}`,
  );
}

/** Size of every keyspace, as its live SSTables say; those asked for in vain have none. */
async function estimate(
  { dataDirectories }: StepContext,
  selection: Selection<TableSchema>,
): Promise<Map<string, Size>> {
  const sizes = new Map(selection.keyspaces.map((keyspace) => [keyspace, NOTHING]));
  for (const table of selection.tables) {
    const before = sizes.get(table.keyspace) ?? NOTHING;
    sizes.set(table.keyspace, sumOf([before, await liveSize(dataDirectories, table)]));
  }
  for (const { keyspace } of selection.unknown) if (!sizes.has(keyspace)) sizes.set(keyspace, NOTHING);
  return sizes;
}

function expectTotal({ reporter }: StepContext, sizes: Map<string, Size>): void {
  reporter.expect(sumOf(sizes.values()));
}
