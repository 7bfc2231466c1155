import { emptySummary, summaryOf, type BackupDetails, type BackupSummary } from '../model/backup-summary.ts';
import { backupFolders, type FolderCache } from './backup-folders.ts';
import { findBackup, readRecord } from './find-backup.ts';
import { foreignMessage } from './foreign-backups.ts';
import { parseDocumentName, recordKey, recordsPrefix } from './layout.ts';
import { sha256Of } from './manifest.ts';
import { renamingMessage, unfinishedRenaming } from './rename-executor.ts';
import type { Storage } from './storage.ts';
import { deletionMessage, readDeletion, readVerification } from './verification.ts';

/** The documents of one backup as they lie in the folder of the records: their sizes and times tell whether they are the same. */
interface Documents {
  deleting: boolean;
  record: boolean;
  verification: boolean;
  fingerprint: string;
}

/** Summaries that were read, by name. Whoever asks again keeps it. */
export type SummaryCache = Map<string, BackupSummary>;

/** To be raised when summaries say more than before, so that those that were kept are read anew. */
const SUMMARIES = 'v1';

export interface LocationContent {
  backups: BackupSummary[];
  /** Executor ids under which there is a folder, by the backup's name. */
  folders: ReadonlyMap<string, string[]>;
  /** Another one as soon as a backup has come, gone or become another. */
  fingerprint: string;
}

/**
 * All backups of one cluster at a location, those without a record too; other clusters are neither listed nor read. Reads records and
 * findings that are not in the cache, and no manifest.
 */
export async function listBackups(storage: Storage, cluster: string, cache: SummaryCache): Promise<BackupSummary[]> {
  return (await readLocation(storage, cluster, cache, new Map())).backups;
}

/** The same, with what says whether it has become another; lists only folders that have changed. */
export async function readLocation(
  storage: Storage,
  cluster: string,
  cache: SummaryCache,
  folderCache: FolderCache,
): Promise<LocationContent> {
  const documents = await findDocuments(storage, cluster);
  const folders = await backupFolders(storage, cluster, folderCache);
  const fingerprint = fingerprintOf(documents, folders);
  for (const name of cache.keys()) if (!documents.has(name)) cache.delete(name);
  const renaming = await unfinishedRenaming(storage, cluster);
  const renamed = new Set(renaming?.names);
  const backups: BackupSummary[] = [];
  for (const name of new Set([...documents.keys(), ...folders.keys()])) {
    const found = documents.get(name);
    const nodes = folders.get(name) ?? [];
    if (renaming !== null && renamed.has(name)) {
      backups.push(emptySummary(name, 'INCOMPLETE', renamingMessage(renaming), nodes));
    } else if (found?.deleting) backups.push(await deleting(storage, cluster, name, nodes));
    else if (found?.record) backups.push(await cached(storage, cluster, { name, nodes, ...found }, cache));
    // A finding without its record is nothing.
    else if (nodes.length > 0) backups.push(await withoutRecord(storage, cluster, name, nodes));
  }
  return { backups, folders, fingerprint };
}

async function deleting(storage: Storage, cluster: string, name: string, nodes: string[]): Promise<BackupSummary> {
  const marker = await readDeletion(storage, cluster, name);
  return emptySummary(name, 'DELETING', marker && deletionMessage(marker), nodes);
}

const INCOMPLETE_MESSAGE = "its nodes stored files, but the backup's record was never written";

/** One backup, read anew; null when nothing has that name. */
export async function readBackup(storage: Storage, cluster: string, name: string): Promise<BackupDetails | null> {
  const { state, record, message } = await findBackup(storage, cluster, name);
  if (state === 'ABSENT') return null;
  if (record === null) {
    const nodes = (await backupFolders(storage, cluster, new Map())).get(name) ?? [];
    return { summary: emptySummary(name, state, message, nodes), parts: null, missing: [] };
  }
  const text = await storage.getDocument(recordKey(cluster, name));
  const verification = text === null ? null : await readVerification(storage, cluster, name, sha256Of(text));
  const parts = record.nodes.map(({ executorId, hostId, hostname, ip, files, bytes }) => ({
    executorId,
    hostId,
    hostname,
    ip,
    files,
    bytes,
  }));
  return { summary: { ...summaryOf(record), verification }, parts, missing: record.missing };
}

async function withoutRecord(storage: Storage, cluster: string, name: string, nodes: string[]): Promise<BackupSummary> {
  const message = (await foreignMessage(storage, cluster, name, nodes)) ?? INCOMPLETE_MESSAGE;
  return emptySummary(name, 'INCOMPLETE', message, nodes);
}

async function cached(
  storage: Storage,
  cluster: string,
  { name, nodes, ...documents }: Documents & { name: string; nodes: string[] },
  cache: SummaryCache,
): Promise<BackupSummary> {
  const fingerprint = `${SUMMARIES}${documents.fingerprint}`;
  const known = cache.get(name);
  if (known?.fingerprint === fingerprint) return known;
  const found = await readRecord(storage, cluster, name);
  // Gone since it was listed: that is a backup without a record as well.
  if (found === null) return emptySummary(name, 'INCOMPLETE', INCOMPLETE_MESSAGE, nodes);
  const { state, record, message, sha256 } = found;
  const said = record === null ? emptySummary(name, state, message, nodes) : summaryOf(record);
  const verification = documents.verification ? await readVerification(storage, cluster, name, sha256) : null;
  const summary = { ...said, verification, fingerprint };
  cache.set(name, summary);
  return summary;
}

async function findDocuments(storage: Storage, cluster: string): Promise<Map<string, Documents>> {
  const prefix = recordsPrefix(cluster);
  const documents = new Map<string, Documents>();
  for await (const { key, size, modified } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document === null) continue;
    const { kind, name } = document;
    const before = documents.get(name) ?? { deleting: false, record: false, verification: false, fingerprint: '' };
    documents.set(name, {
      deleting: before.deleting || kind === 'deletion',
      record: before.record || kind === 'record',
      verification: before.verification || kind === 'verification',
      fingerprint: [...before.fingerprint.split('|'), `${kind} ${size} ${modified}`].toSorted().join('|'),
    });
  }
  return documents;
}

function fingerprintOf(documents: Map<string, Documents>, folders: Map<string, string[]>): string {
  const told = [...documents].map(([name, { fingerprint }]) => `${name} ${fingerprint}`);
  return sha256Of([...told, '', ...folders.keys()].toSorted().join('\n'));
}
