import type { Schema, TableSchema } from '../cassandra/schema.ts';
import { OperatorError } from '../errors.ts';
import type { ManifestFile, ManifestTable } from '../model/backup.ts';
import { deletionKey, fileKey, recordKey } from '../storage/layout.ts';
import { adoptFile } from './adopt-file.ts';
import { BackupProgress, type StoredKeyspace } from './backup-progress.ts';
import { eachKeyspace } from './each-keyspace.ts';
import type { ForeignTable } from './foreign-files.ts';
import { readForeignPart, refuseUnreadable, statementsKey, type ForeignPart } from './foreign-part.ts';
import { componentsOf, requireSame, requireWhole } from './foreign-table.ts';
import { decidingFailure } from './own-snapshot.ts';
import type { StepContext } from './step-context.ts';
import { transferAll } from './transfers.ts';
import { toManifestTable } from './store-keyspace.ts';
import { storeManifest } from './store-manifest.ts';

/** All that an adoption works with. */
interface Adoption {
  part: ForeignPart;
  progress: BackupProgress;
  schema: Schema;
}

/** What concerns one table and no other. */
const TABLE_LEVEL = new Set(['SSTABLE_CORRUPT', 'BACKUP_DAMAGED', 'SCHEMA_MISMATCH', 'SNAPSHOT_FAILED']);

/**
 * Takes over what another program has stored of this node under the backup's name: reads every byte, and writes our documents beside it or,
 * where it lies in another folder, beside links to it. Its own tree is never changed. Identity, tokens and schema are those of the
 * node as it is now. A table that is not whole, corrupt or not in the cluster is told and left out. An attempt after a failure, of
 * whatever job, goes on where the one before was.
 */
export async function nodeAdopt(context: StepContext): Promise<void> {
  const { request, storage, node, reporter, clock, signal } = context;
  await refuseTaken(context);
  const part = await readForeignPart(context);
  refuseUnreadable(part, (await node.health(signal)).version);
  const schema = await node.schema([], signal);
  const adoption = { part, schema, progress: await BackupProgress.openAdoption(storage, request, clock, part) };
  expectAll(context, part);

  const failures = await eachKeyspace(context, part.keyspaces, async (keyspace) => {
    const done = adoption.progress.keyspace(keyspace);
    if (done?.report.status === 'SUCCESS') reporter.restore(keyspace, done.report);
    else await adoptKeyspace(context, adoption, keyspace);
  });
  const adopted = part.keyspaces.filter((keyspace) => holdsAnything(adoption.progress.keyspace(keyspace)));
  const failure = decidingFailure(context, failures, adopted.length === 0 ? failures.length : Infinity);
  if (failure !== null) throw failure;
  await storeManifest(context, schema, adoption.progress, adopted);
}

/** The scheduler asks as well, but may not see the location. */
async function refuseTaken({ request, storage }: StepContext): Promise<void> {
  const { cluster, backupName } = request;
  for (const key of [recordKey(cluster, backupName), deletionKey(cluster, backupName)]) {
    if ((await storage.getDocument(key)) === null) continue;
    throw new OperatorError('NAME_TAKEN', `the name ${backupName} is taken in ${storage.url}: ${key} is there`, {
      hint: 'A name is used once: rename the folders of what is to be adopted.',
    });
  }
}

function expectAll({ reporter }: StepContext, { keyspaces, tables }: ForeignPart): void {
  const files = tables.flatMap(componentsOf);
  reporter.plan(keyspaces);
  reporter.expect({ bytes: files.reduce((sum, { size }) => sum + size, 0), files: files.length });
}

/** A table with its files, or why it is left out. */
type Outcome =
  { table: ManifestTable; files: ManifestFile[] } | { table: ManifestTable | null; failure: OperatorError };

/** Notes the tables that are whole; throws the first failure of the others, after all have had their turn. */
async function adoptKeyspace(context: StepContext, adoption: Adoption, keyspace: string): Promise<void> {
  const { reporter } = context;
  const { part, progress } = adoption;
  const outcomes = new Map<string, Outcome>();
  for (const [table, folders] of byName(part.tables.filter((each) => each.keyspace === keyspace))) {
    outcomes.set(table, await outcomeOf(context, adoption, table, folders));
  }
  const failures: OperatorError[] = [];
  const stored: { tables: ManifestTable[]; files: ManifestFile[] } = { tables: [], files: [] };
  for (const [table, outcome] of outcomes) {
    const failure = 'failure' in outcome ? outcome.failure : withoutOther(outcome.table, outcomes);
    if (failure !== null) {
      await leaveOut(context, part, keyspace, table);
      reporter.table(keyspace, table, { error: failure.message });
      reporter.error(failure, keyspace, table);
      failures.push(failure);
    } else if ('files' in outcome) {
      stored.tables.push(outcome.table);
      stored.files.push(...outcome.files);
      // Not before all of it is good: nothing of a table that is left out counts.
      reporter.sent(keyspace, table, { files: 0, bytes: 0 });
      for (const { size } of outcome.files) reporter.filesDone(keyspace, table, { files: 1, bytes: size });
    }
  }
  const [failure = outcomes.size === 0 ? withoutTables(keyspace) : null] = failures;
  stored.files.sort((left, right) => (left.path < right.path ? -1 : 1));
  const report = reporter.keyspace(keyspace);
  if (failure === null) return progress.keyspaceStored(keyspace, { ...stored, report });
  // Also where nothing is left: what an earlier attempt has noted is not there any more.
  const failed = { ...report, status: 'FAILURE' as const, error: failure.message };
  await progress.keyspaceStored(keyspace, { ...stored, report: failed });
  throw failure;
}

function holdsAnything(stored: StoredKeyspace | undefined): boolean {
  return stored !== undefined && (stored.report.status === 'SUCCESS' || stored.tables.length > 0);
}

async function outcomeOf(
  context: StepContext,
  adoption: Adoption,
  table: string,
  folders: ForeignTable[],
): Promise<Outcome> {
  const { schema, part } = adoption;
  const keyspace = folders[0]?.keyspace ?? '';
  const live = schema.tables.find((each) => each.keyspace === keyspace && each.table === table);
  if (live === undefined) {
    const statements = await statementsKey(context, part, folders);
    return { table: null, failure: notInCluster(schema, keyspace, table, statements) };
  }
  try {
    const foreign = onlyOne(folders, live);
    await requireSame(context, foreign);
    await requireWhole(context, foreign);
    const files = await adoptTable(context, adoption, foreign);
    return { table: { ...toManifestTable(live), id: foreign.id === null ? live.id : uuid(foreign.id) }, files };
  } catch (error) {
    if (!(error instanceof OperatorError) || !TABLE_LEVEL.has(error.code)) throw error;
    return { table: live, failure: error };
  }
}

function baseOf({ viewOf, table }: ManifestTable): string {
  return viewOf ?? table;
}

/** A base table and its views are emptied together, so that they can only be restored together. */
function withoutOther(table: ManifestTable, outcomes: ReadonlyMap<string, Outcome>): OperatorError | null {
  for (const other of outcomes.values()) {
    if (!('failure' in other) || other.table === null || baseOf(other.table) !== baseOf(table)) continue;
    const message = `${table.keyspace}.${table.table} is not adopted without ${other.table.table}, its base table or view`;
    return new OperatorError('BACKUP_DAMAGED', message, { details: { table: table.table } });
  }
  return null;
}

async function adoptTable(
  context: StepContext,
  { part, progress }: Adoption,
  foreign: ForeignTable,
): Promise<ManifestFile[]> {
  const { reporter, signal } = context;
  const files: ManifestFile[] = [];
  await transferAll(componentsOf(foreign), signal, async (each, either) => {
    reporter.current(each.key);
    const file = await adoptFile({ ...context, signal: either }, part, progress, foreign, each);
    files.push(file);
    await progress.fileStored({ ...file, sent: false });
  });
  return files;
}

/** Takes away the links to a table that is not adopted; what lies in place stays as it is. */
async function leaveOut(
  { request, storage, signal }: StepContext,
  { inPlace }: ForeignPart,
  keyspace: string,
  table: string,
): Promise<void> {
  if (inPlace) return;
  const { cluster, executorId, backupName } = request;
  await storage.deleteFolder(`${fileKey(cluster, executorId, backupName, `${keyspace}/${table}`)}/`, { signal });
}

function byName(tables: ForeignTable[]): Map<string, ForeignTable[]> {
  const names = new Map<string, ForeignTable[]>();
  for (const each of tables) names.set(each.table, [...(names.get(each.table) ?? []), each]);
  return names;
}

/** Of a table that was dropped and made again there may be two folders: what belongs to the one of before is not wanted. */
function onlyOne(folders: ForeignTable[], { id }: TableSchema): ForeignTable {
  const [first] = folders;
  const found = folders.length === 1 ? first : folders.find((folder) => folder.id === id.replaceAll('-', ''));
  if (found !== undefined) return found;
  const { keyspace = '', table = '' } = first ?? {};
  throw new OperatorError(
    'BACKUP_DAMAGED',
    `${keyspace}.${table} has ${folders.length} folders and none is of the table id ${id}: ${folders.map(({ prefix }) => prefix).join(', ')}`,
    { details: { table } },
  );
}

function notInCluster(
  { keyspaces }: Schema,
  keyspace: string,
  table: string,
  statements: string | null,
): OperatorError {
  const what = keyspaces.includes(keyspace) ? `table ${keyspace}.${table}` : `keyspace ${keyspace}`;
  const as = statements === null ? 'as it was' : `as it was, by the statements in ${statements}`;
  return new OperatorError(
    'SCHEMA_MISMATCH',
    `the cluster has no ${what}, from which the columns are taken: create it ${as}, then adopt again`,
    { details: { table } },
  );
}

function withoutTables(keyspace: string): OperatorError {
  return new OperatorError(
    'BACKUP_DAMAGED',
    `the folder of keyspace ${keyspace} is empty: that it had no tables, and not its copy failed, is not said`,
  );
}

function uuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
