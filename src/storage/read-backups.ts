import { emptySummary, summaryOf, type BackupDetails, type BackupSummary } from '../model/backup-summary.ts';
import { isBackupName } from '../model/backup-name.ts';
import type { BackupRecord, Verification } from '../model/backup.ts';
import { findBackup } from './find-backup.ts';
import { foreignMessage } from './foreign-backups.ts';
import { nodeFolders, parseDocumentName, recordKey, recordsPrefix } from './layout.ts';
import { sha256Of } from './manifest.ts';
import { renamingMessage, unfinishedRenaming } from './rename-executor.ts';
import type { Storage } from './storage.ts';
import { readVerification } from './verification.ts';

/** The documents of one backup as they lie in the folder of the records: their sizes and times tell whether they are the same. */
interface Documents {
  deleting: boolean;
  record: boolean;
  fingerprint: string;
}

/** Summaries that were read, by cluster and name, with what they were read from. Whoever asks again keeps it. */
export type SummaryCache = Map<string, { fingerprint: string; summary: BackupSummary }>;

/**
 * All backups of one cluster at a location, those without a record too; other clusters are neither listed nor read. Reads records and
 * findings that are not in the cache, and no manifest.
 */
export async function listBackups(storage: Storage, cluster: string, cache: SummaryCache): Promise<BackupSummary[]> {
  const documents = await findDocuments(storage, cluster);
  const folders = await backupFolders(storage, cluster);
  for (const name of cache.keys()) if (!documents.has(name)) cache.delete(name);
  const renaming = await unfinishedRenaming(storage, cluster);
  const summaries: BackupSummary[] = [];
  for (const [name, found] of documents) {
    const nodes = folders.get(name) ?? [];
    folders.delete(name);
    if (renaming?.names.includes(name)) {
      summaries.push(emptySummary(name, 'INCOMPLETE', renamingMessage(renaming), nodes));
    } else if (found.deleting) summaries.push(emptySummary(name, 'DELETING', DELETING_MESSAGE, nodes));
    // A finding without its record.
    else if (!found.record) folders.set(name, nodes);
    else summaries.push(await cached(storage, cluster, name, found, cache));
  }
  for (const [name, nodes] of folders) {
    if (nodes.length === 0) continue;
    const message = (await foreignMessage(storage, cluster, name, nodes)) ?? INCOMPLETE_MESSAGE;
    summaries.push(emptySummary(name, 'INCOMPLETE', message, nodes));
  }
  return summaries;
}

const DELETING_MESSAGE = 'its deletion has begun and is not at its end';
const INCOMPLETE_MESSAGE = "its nodes stored files, but the backup's record was never written";

/** One backup, read anew; null when nothing has that name. */
export async function readBackup(storage: Storage, cluster: string, name: string): Promise<BackupDetails | null> {
  const { state, record, message } = await findBackup(storage, cluster, name);
  if (state === 'ABSENT') return null;
  if (record === null) {
    const nodes = (await backupFolders(storage, cluster)).get(name) ?? [];
    return { summary: emptySummary(name, state, message, nodes), parts: null, missing: [] };
  }
  const verification = await verificationOf(storage, record);
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

async function cached(
  storage: Storage,
  cluster: string,
  name: string,
  { fingerprint }: Documents,
  cache: SummaryCache,
): Promise<BackupSummary> {
  const known = cache.get(name);
  if (known?.fingerprint === fingerprint) return known.summary;
  const { state, record, message } = await findBackup(storage, cluster, name);
  const summary =
    record === null
      ? // Gone since it was listed: that is a backup without a record as well.
        emptySummary(name, state === 'ABSENT' ? 'INCOMPLETE' : state, message, [])
      : { ...summaryOf(record), verification: await verificationOf(storage, record) };
  if (state !== 'ABSENT') cache.set(name, { fingerprint, summary });
  return summary;
}

async function verificationOf(storage: Storage, { cluster, name }: BackupRecord): Promise<Verification | null> {
  const text = await storage.getDocument(recordKey(cluster, name));
  return text === null ? null : readVerification(storage, cluster, name, sha256Of(text));
}

async function findDocuments(storage: Storage, cluster: string): Promise<Map<string, Documents>> {
  const prefix = recordsPrefix(cluster);
  const documents = new Map<string, Documents>();
  for await (const { key, size, modified } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document === null) continue;
    const { kind, name } = document;
    const before = documents.get(name) ?? { deleting: false, record: false, fingerprint: '' };
    documents.set(name, {
      deleting: before.deleting || kind === 'deletion',
      record: before.record || kind === 'record',
      fingerprint: [...before.fingerprint.split('|'), `${kind} ${size} ${modified}`].toSorted().join('|'),
    });
  }
  return documents;
}

/** Executor ids under which there is a folder, by the backup's name. */
async function backupFolders(storage: Storage, cluster: string): Promise<Map<string, string[]>> {
  const folders = new Map<string, string[]>();
  for (const executorId of nodeFolders(await storage.folders(`${cluster}/`))) {
    for (const name of await storage.folders(`${cluster}/${executorId}/`)) {
      if (isBackupName(name)) folders.set(name, folders.get(name)?.concat(executorId) ?? [executorId]);
    }
  }
  return folders;
}
