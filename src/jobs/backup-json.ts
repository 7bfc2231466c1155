import type { BackupDetails, BackupSummary } from '../model/backup-summary.ts';
import type { BackupState } from '../state/backups.ts';

/** A backup as the REST API shows it. Times are epoch ms. Null: not known, or its documents do not say. */
export interface BackupJson {
  name: string;
  /** DAMAGED also: the last verification found files that are not what they were. */
  state: BackupState;
  location: string;
  started: number | null;
  finished: number | null;
  /** Executor ids under which something of it lies. */
  nodes: string[];
  keyspaces: BackupSummary['keyspaces'];
  files: number | null;
  bytes: number | null;
  /** What its making brought to the location; the rest was there already. */
  bytesSent: number | null;
  /** What its deletion alone would free, as far as it has been counted. */
  bytesOwn: number | null;
  mode: BackupSummary['mode'];
  /** Another program made it. */
  adopted: boolean;
  /** No file of it can be read without a key; null where that is not known. */
  encrypted: boolean | null;
  /** Names of the keys that its files are encrypted with. */
  keyIds: string[];
  compression: string[];
  schemaVersion: string | null;
  cassandraVersion: string | null;
  /** The job that made it; null where this scheduler knows of none. */
  job: number | null;
  damaged: NonNullable<BackupSummary['verification']>['damaged'];
  /** The last verification; null before the first. */
  verified: { when: number; deep: boolean; result: 'SUCCESS' | 'FAILURE' } | null;
  /** What an operator should know of it. */
  message: string | null;
  /** False: the scheduler's host cannot see the location, so this is from memory; `reason` says why. */
  seen: boolean;
  reason: string | null;
  /** One backup only, as `missing`: each node's part, as the record says. */
  nodeBackups?: BackupDetails['parts'];
  missing?: BackupDetails['missing'];
}

interface Around {
  state: BackupState;
  location: string;
  job: number | null;
  bytesOwn?: number | null | undefined;
  /** Why the location cannot be seen; null when it can. */
  unseen: string | null;
}

export function backupJson(
  summary: BackupSummary,
  { state, location, job, bytesOwn = null, unseen }: Around,
): BackupJson {
  const { verification: found } = summary;
  const isDamaged = found?.result === 'FAILURE' && (state === 'COMPLETE' || state === 'PARTIAL');
  const told = isDamaged ? `${counted(found.damagedFiles)} damaged, says its last verification` : summary.message;
  return {
    name: summary.name,
    state: isDamaged ? 'DAMAGED' : state,
    location,
    started: summary.started,
    finished: summary.finished,
    nodes: summary.nodes,
    keyspaces: summary.keyspaces,
    files: summary.files,
    bytes: summary.bytes,
    bytesSent: summary.bytesSent,
    bytesOwn,
    mode: summary.mode,
    adopted: summary.adopted,
    encrypted: summary.coding?.encrypted ?? null,
    keyIds: summary.coding?.keyIds ?? [],
    compression: summary.coding?.compression ?? [],
    schemaVersion: summary.schemaVersion,
    cassandraVersion: summary.cassandraVersion,
    job,
    damaged: found?.damaged ?? [],
    verified: found && { when: found.when, deep: found.deep, result: found.result },
    message: state === 'RUNNING' ? null : told,
    seen: unseen === null,
    reason: unseen,
  };
}

function counted(files: number): string {
  return files === 1 ? '1 file is' : `${files} files are`;
}
