import { OperatorError } from '../errors.ts';
import { storedBytes, type BackupRecord, type ManifestFile, type ManifestTable } from '../model/backup.ts';
import { deletionKey, fileKey, recordKey } from '../storage/layout.ts';
import { manifestText, parseManifest, parseRecord, sha256Of } from '../storage/manifest.ts';
import { readVerification } from '../storage/verification.ts';
import { storedSizes } from './backup-source.ts';
import type { Stored, StoredKeyspace } from './backup-progress.ts';
import { damagedIn } from './earlier-files.ts';
import type { Selection } from './selection.ts';
import type { StepContext } from './step-context.ts';

/** The record of the backup that is to be resumed; it stays valid until the new one takes its place. */
export interface PresentRecord {
  record: BackupRecord;
  sha256: string;
}

/**
 * The record of a PARTIAL backup, null for one that never had any. Throws NAME_TAKEN for one that lacks nothing, BACKUP_INCOMPLETE for one
 * that is being deleted, BACKUP_DAMAGED.
 */
export async function presentRecord({ request, storage }: StepContext): Promise<PresentRecord | null> {
  const { cluster, backupName } = request;
  if ((await storage.getDocument(deletionKey(cluster, backupName))) !== null) {
    throw new OperatorError('BACKUP_INCOMPLETE', `backup ${backupName} is being deleted`, {
      hint: 'End its deletion, then make a new backup.',
    });
  }
  const key = recordKey(cluster, backupName);
  const text = await storage.getDocument(key);
  if (text === null) return null;
  const record = parseRecord(text, key);
  if (record.result === 'PARTIAL' && record.cluster === cluster && record.name === backupName) {
    return { record, sha256: sha256Of(text) };
  }
  throw new OperatorError('NAME_TAKEN', `backup ${backupName} is whole: ${key} says that nothing is missing`);
}

type Located = Pick<ManifestFile, 'path' | 'size' | 'source' | 'encoding'>;

/**
 * What an interrupted job has stored on this node and can be kept: keyspaces that are there with all their files, that no verification found
 * damaged, and whose tables are still the same ones; and single files of the others, which are not stored over either. Throws SCHEMA_MISMATCH where
 * a keyspace that is whole in the present record would have to be stored anew.
 */
export async function partsToKeep(
  context: StepContext,
  selection: Selection<ManifestTable>,
  present: PresentRecord | null,
  stored: Stored,
): Promise<Stored> {
  const { cluster, executorId, backupName } = context.request;
  const keyOf = (path: string): string => fileKey(cluster, executorId, backupName, path);
  const all: Located[] = [...Object.values(stored.keyspaces).flatMap(({ files }) => files), ...pathsOf(stored)];
  const sizes = await storedSizes(context, new Set(all.map(({ path, source }) => source ?? keyOf(path))));
  const damaged = await damagedPaths(context, present, all);
  const recorded = await recordedKeyspaces(context, present);
  const mayRefer = await context.storage.coding.mayRefer();
  const isThere = (file: Located): boolean =>
    sizes.get(file.source ?? keyOf(file.path)) === storedBytes(file) && !damaged.has(file.path);

  const keyspaces = Object.entries(stored.keyspaces).filter(([name, entry]) => {
    if (!entry.files.every(isThere)) return false;
    const isReadable = entry.files.every(({ encoding }) => mayRefer(encoding));
    if (isReadable && hasSameTables(selection, name, entry)) return true;
    if (!recorded.has(name)) return false;
    throw isReadable ? tablesChanged(context, name) : otherwiseEncrypted(context, name);
  });
  const whole = Object.fromEntries(keyspaces);
  const cut = Object.entries(stored.keyspaces).filter(([name]) => whole[name] === undefined);
  const files = [...cut.flatMap(([, entry]) => entry.files), ...pathsOf(stored)]
    .filter(isThere)
    .map(({ path, ...file }) => [path, file] as const);
  return { keyspaces: whole, files: Object.fromEntries(files) };
}

function pathsOf({ files }: Stored) {
  return Object.entries(files).map(([path, file]) => ({ path, ...file }));
}

/** By id as well: a table that was dropped and made again is another one. */
function hasSameTables({ tables }: Selection<ManifestTable>, keyspace: string, stored: StoredKeyspace): boolean {
  const idsOf = (list: readonly ManifestTable[]): string =>
    list
      .filter((table) => table.keyspace === keyspace)
      .map(({ table, id }) => `${table} ${id}`)
      .toSorted()
      .join();
  return idsOf(tables) === idsOf(stored.tables);
}

async function damagedPaths(
  { request, storage }: StepContext,
  present: PresentRecord | null,
  files: readonly Located[],
): Promise<Set<string>> {
  if (present === null) return new Set();
  const { cluster, backupName, executorId } = request;
  const found = await readVerification(storage, cluster, backupName, present.sha256);
  return new Set(found === null ? [] : damagedIn({ executorId, files }, found).map(({ path }) => path));
}

/** What the present record holds of this node. */
async function recordedKeyspaces(
  { request, storage }: StepContext,
  present: PresentRecord | null,
): Promise<Set<string>> {
  const { cluster, executorId, backupName } = request;
  const part = present?.record.nodes.find((node) => node.executorId === executorId);
  if (part === undefined) return new Set();
  const text = await manifestText(storage, { cluster, executorId, name: backupName }, part.manifestSha256);
  if (text === null || sha256Of(text) !== part.manifestSha256) return new Set();
  return new Set(parseManifest(text, `the manifest of ${executorId}`).keyspaces);
}

function tablesChanged({ request }: StepContext, keyspace: string): OperatorError {
  return new OperatorError(
    'SCHEMA_MISMATCH',
    `backup ${request.backupName} holds keyspace ${keyspace} of ${request.executorId} with other tables than it has now, or than were asked for`,
    { hint: 'Make a new backup: as it is, this one can be restored for what it holds.' },
  );
}

function otherwiseEncrypted({ request, storage }: StepContext, keyspace: string): OperatorError {
  return new OperatorError(
    'BAD_REQUEST',
    `backup ${request.backupName} holds keyspace ${keyspace} of ${request.executorId} with other encryption than ${storage.url} wants`,
    { hint: 'Resume it at the location as it was made, with its keys; or make a new backup.' },
  );
}
