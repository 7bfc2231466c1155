import { z } from 'zod';
import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import type { RenameReport } from '../model/step.ts';
import { manifestKey, nodeKey, recordKey, renamingKey, verificationKey } from './layout.ts';
import { sha256Of } from './manifest.ts';
import { References } from './references.ts';
import { refuseRetained } from './retention.ts';
import { rewriteFinding, rewriteManifest, rewriteRecord, written, type Pair } from './renamed-documents.ts';
import type { Storage } from './storage.ts';

/** Which folders are to get another name. */
export interface Renaming {
  cluster: string;
  from: string;
  to: string;
  /** Only these backups; absent: all of that executor. */
  names?: string[] | undefined;
}

/** What changes for one backup. Checksums are those of its documents before and after; null: there is none, or it cannot be read. */
interface Change {
  name: string;
  /** Under which executor id it lies before. */
  owner: string;
  /** False: only bytes that it names elsewhere are moved. */
  moves: boolean;
  manifest: Pair | null;
  record: Pair | null;
}

/** Written before the first act and removed after the last: whoever is cut short goes on by it. */
interface Journal {
  version: 1;
  cluster: string;
  from: string;
  to: string;
  changes: Change[];
  files: number;
  bytes: number;
}

const pair = z.object({ before: z.string(), after: z.string() }).nullable();
const journalSchema = z.object({
  version: z.literal(1),
  cluster: z.string(),
  from: z.string(),
  to: z.string(),
  changes: z.array(z.object({ name: z.string(), owner: z.string(), moves: z.boolean(), manifest: pair, record: pair })),
  files: z.int(),
  bytes: z.int(),
});

/** The renaming that has begun and is not at its end; null when none has. Throws BACKUP_DAMAGED when its journal cannot be read. */
export async function unfinishedRenaming(
  storage: Pick<Storage, 'getDocument'>,
  cluster: string,
): Promise<{ from: string; to: string; names: string[] } | null> {
  const journal = await readJournal(storage, cluster);
  return journal && { from: journal.from, to: journal.to, names: journal.changes.map(({ name }) => name) };
}

/** What an operator is told of a backup that such a renaming is about. */
export function renamingMessage({ from, to }: { from: string; to: string }): string {
  return `the renaming of ${from} to ${to} has begun and is not at its end: run it again`;
}

/** What would be renamed. Throws as renameExecutor does. */
export async function planRenaming(storage: Storage, renaming: Renaming): Promise<RenameReport> {
  return reportOf((await begun(storage, renaming)) ?? (await plan(storage, renaming)));
}

/**
 * Gives an executor's folders another name, and its manifests and the records that name them other checksums, so that all hold. Cut short
 * anywhere, it goes on when it is called again; until then the backups that it is about are plainly none. No other work may be done at the location
 * meanwhile. Throws BAD_REQUEST, NAME_TAKEN where the target has a backup of that name, and
 * BACKUP_RETAINED where the store lets the old folders not be deleted; nothing is changed then.
 */
export async function renameExecutor(
  storage: Storage,
  renaming: Renaming,
  signal?: AbortSignal,
): Promise<RenameReport> {
  const { cluster } = renaming;
  let journal = await begun(storage, renaming);
  if (journal === null) {
    journal = await plan(storage, renaming);
    if (journal.changes.length === 0) return reportOf(journal);
    await storage.putDocument(renamingKey(cluster), written(journal));
  }
  for (const change of journal.changes) {
    signal?.throwIfAborted();
    await carryOut(storage, journal, change, signal);
  }
  await storage.delete(renamingKey(cluster));
  return reportOf(journal);
}

function reportOf({ changes, files, bytes }: Journal): RenameReport {
  return { backups: changes.filter(({ moves }) => moves).map(({ name }) => name), files, bytes };
}

async function begun(storage: Storage, { cluster, from, to, names }: Renaming): Promise<Journal | null> {
  const journal = await readJournal(storage, cluster);
  if (journal === null) return null;
  const moved = journal.changes.filter(({ moves }) => moves).map(({ name }) => name);
  const isSame = names === undefined || [...names].toSorted().join('\n') === moved.toSorted().join('\n');
  if (journal.from === from && journal.to === to && isSame) return journal;
  throw new OperatorError(
    'NAME_TAKEN',
    `the renaming of ${journal.from} to ${journal.to} (${moved.join(', ')}) has begun and is not at its end`,
    { hint: 'Run that one again first.' },
  );
}

async function readJournal(storage: Pick<Storage, 'getDocument'>, cluster: string): Promise<Journal | null> {
  const text = await storage.getDocument(renamingKey(cluster));
  if (text === null) return null;
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new OperatorError('BACKUP_DAMAGED', `${renamingKey(cluster)} cannot be read: it says how far a renaming is`, {
      cause: error,
    });
  }
}

/** Executor ids as ours and the forerunner's: one folder name. */
const EXECUTOR_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

async function plan(storage: Storage, renaming: Renaming): Promise<Journal> {
  const { cluster, from, to, names } = renaming;
  for (const id of [from, to]) {
    if (EXECUTOR_ID.test(id)) continue;
    throw new OperatorError('BAD_REQUEST', `Expected an executor id, got ${JSON.stringify(id.slice(0, 300))}`);
  }
  if (from === to) throw new OperatorError('BAD_REQUEST', `Expected two executor ids, got ${from} twice`);
  names?.forEach(checkBackupName);
  // Refuses the folder of the records.
  nodeKey(cluster, from, 'x');
  nodeKey(cluster, to, 'x');
  const there = await storage.folders(`${cluster}/${from}/`);
  const moving = new Set(names === undefined ? there : there.filter((name) => names.includes(name)));
  const taken = (await storage.folders(`${cluster}/${to}/`)).filter((name) => moving.has(name));
  if (taken.length > 0) {
    throw new OperatorError('NAME_TAKEN', `${to} has backups of these names already: ${taken.join(', ')}`, {
      hint: 'Nothing was renamed. Name the backups that are to be renamed, or delete those of the target.',
    });
  }
  const journal: Journal = { version: 1, cluster, from, to, changes: [], files: 0, bytes: 0 };
  const records = new Map<string, string>();
  for (const name of moving) {
    journal.changes.push(await planChange(storage, journal, { name, owner: from }, { moving, records }));
    await count(storage, journal, name);
  }
  // Any executor may name bytes of it: its backups may have been renamed one by one.
  const naming = moving.size === 0 ? [] : await new References(storage, cluster).naming(moving);
  for (const { executorId: owner, backup: name, isResumed } of naming) {
    if (owner === from && moving.has(name)) continue;
    if (isResumed) throw beingResumed(name);
    const change = await planChange(storage, journal, { name, owner }, { moving, records });
    if (change.manifest !== null) journal.changes.push(change);
  }
  return journal;
}

async function count(storage: Storage, journal: Journal, name: string): Promise<void> {
  const prefix = `${nodeKey(journal.cluster, journal.from, name)}/`;
  await refuseRetained(storage, [prefix]);
  for await (const { key, size } of storage.list(prefix)) {
    if (/\/manifest-[0-9a-f]{64}\.json$/.test(key)) throw beingResumed(name);
    journal.files += 1;
    journal.bytes += size;
  }
}

/** Its record names a manifest that was put aside. */
function beingResumed(name: string): OperatorError {
  return new OperatorError('BACKUP_INCOMPLETE', `Backup ${name} was begun to be resumed, and is not at its end`, {
    hint: 'Resume it again, or delete it; then rename.',
  });
}

async function planChange(
  storage: Storage,
  { cluster, from, to }: Journal,
  { name, owner }: Pick<Change, 'name' | 'owner'>,
  /** In `records` those that changes before this one leave: several nodes of a backup may change its record, one after the other. */
  { moving, records }: { moving: ReadonlySet<string>; records: Map<string, string> },
): Promise<Change> {
  const moves = owner === from && moving.has(name);
  const text = await storage.getDocument(manifestKey(cluster, owner, name));
  const rewritten = text === null ? null : rewriteManifest(text, { cluster, from, to, moving }, moves);
  const both = text === null || rewritten === null ? null : { before: sha256Of(text), after: sha256Of(rewritten) };
  const manifest = both?.before === both?.after ? null : both;
  const record = records.get(name) ?? (await storage.getDocument(recordKey(cluster, name)));
  const other = record === null ? null : rewriteRecord(record, { cluster, to }, { owner, moves, manifest });
  if (other !== null && (moves || manifest !== null)) records.set(name, other);
  return {
    name,
    owner,
    moves,
    manifest,
    record: record === null || other === null ? null : { before: sha256Of(record), after: sha256Of(other) },
  };
}

async function carryOut(
  storage: Storage,
  journal: Journal,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { cluster, from, to } = journal;
  const { name, owner, moves, manifest, record } = change;
  const moving = new Set(journal.changes.filter((each) => each.moves).map((each) => each.name));
  if (moves) await storage.moveFolder(`${nodeKey(cluster, from, name)}/`, `${nodeKey(cluster, to, name)}/`, signal);
  const key = manifestKey(cluster, moves ? to : owner, name);
  await rewrite(storage, key, manifest, (text) => rewriteManifest(text, { cluster, from, to, moving }, moves));
  // A finding is about one record: told before that it is about the new one, it counts for none in between, and for the right one after.
  const findingKey = verificationKey(cluster, name);
  const finding = record === null ? null : await storage.getDocument(findingKey);
  const moved = finding === null ? null : rewriteFinding(finding, { cluster, from, to }, record, moves);
  if (moved !== null && moved !== finding) await storage.putDocument(findingKey, moved);
  await rewrite(storage, recordKey(cluster, name), record, (text) =>
    rewriteRecord(text, { cluster, to }, { owner, moves, manifest }),
  );
}

/** Replaces a document that is as it was when this was planned; one that is not, is not touched. */
async function rewrite(
  storage: Storage,
  key: string,
  expected: Pair | null,
  change: (text: string) => string | null,
): Promise<void> {
  const text = expected === null ? null : await storage.getDocument(key);
  if (text === null || sha256Of(text) !== expected?.before) return;
  const after = change(text);
  if (after === null || sha256Of(after) !== expected.after) {
    throw new OperatorError('INTERNAL', `expected ${key} to be changed as it was planned`);
  }
  await storage.putDocument(key, after);
}
