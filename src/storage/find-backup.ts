import { OperatorError } from '../errors.ts';
import { summaryOf, type StoredState } from '../model/backup-summary.ts';
import type { BackupRecord } from '../model/backup.ts';
import { foreignMessage } from './foreign-backups.ts';
import { nodeFolders, recordKey } from './layout.ts';
import { parseRecord, sha256Of } from './manifest.ts';
import { renamingMessage, unfinishedRenaming } from './rename-executor.ts';
import type { Storage } from './storage.ts';
import { readDeletion, deletionMessage } from './verification.ts';

/**
 * COMPLETE: its record says SUCCESS. PARTIAL: its record names what is missing. INCOMPLETE: nodes stored something under that
 * name, but the last record was never written. DAMAGED: the record cannot be used. DELETING: its deletion has begun. ABSENT: nothing has
 * that name.
 */
export type BackupState = StoredState | 'ABSENT';

export interface FoundBackup {
  state: BackupState;
  /** Null unless COMPLETE or PARTIAL. */
  record: BackupRecord | null;
  /** What an operator should know of it; null when it is COMPLETE. */
  message: string | null;
}

/** Looks for a backup of one cluster; other clusters of the same location are neither listed nor read. */
export async function findBackup(storage: Storage, cluster: string, name: string): Promise<FoundBackup> {
  const deletion = await readDeletion(storage, cluster, name);
  if (deletion !== null) {
    const message = `backup ${name} of cluster ${cluster} is deleted or being so: ${deletionMessage(deletion)}`;
    return { state: 'DELETING', record: null, message };
  }
  const renaming = await unfinishedRenaming(storage, cluster);
  if (renaming?.names.includes(name)) return { state: 'INCOMPLETE', record: null, message: renamingMessage(renaming) };
  return (await readRecord(storage, cluster, name)) ?? withoutRecord(storage, cluster, name);
}

/** What a backup's record says, with the checksum of its text; null when there is none. Looks at nothing else. */
export async function readRecord(
  storage: Storage,
  cluster: string,
  name: string,
): Promise<(FoundBackup & { state: StoredState; sha256: string }) | null> {
  const key = recordKey(cluster, name);
  const text = await storage.getDocument(key);
  if (text === null) return null;
  const sha256 = sha256Of(text);
  try {
    return { ...fromRecord(parseRecord(text, key), { cluster, name, key }), sha256 };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { state: 'DAMAGED', record: null, message: error.message, sha256 };
  }
}

function fromRecord(
  record: BackupRecord,
  { cluster, name, key }: Record<string, string>,
): FoundBackup & { state: StoredState } {
  if (record.cluster !== cluster || record.name !== name) {
    const message = `${key} is damaged: expected the record of backup ${name} of cluster ${cluster}, got that of backup ${record.name} of cluster ${record.cluster}`;
    return { state: 'DAMAGED', record: null, message };
  }
  const { state, message } = summaryOf(record);
  return { state, record, message };
}

async function withoutRecord(storage: Storage, cluster: string, name: string): Promise<FoundBackup> {
  const nodes: string[] = [];
  for (const executorId of nodeFolders(await storage.folders(`${cluster}/`))) {
    if ((await storage.folders(`${cluster}/${executorId}/`)).includes(name)) nodes.push(executorId);
  }
  if (nodes.length === 0) {
    return {
      state: 'ABSENT',
      record: null,
      message: `there is no backup ${name} of cluster ${cluster} in ${storage.url}`,
    };
  }
  const message = `backup ${name} of cluster ${cluster} in ${storage.url} is incomplete: ${nodes.join(', ')} stored files, but ${recordKey(cluster, name)} was never written`;
  const foreign = await foreignMessage(storage, cluster, name, nodes);
  return { state: 'INCOMPLETE', record: null, message: foreign === null ? message : `${message}; ${foreign}` };
}
