import { OperatorError } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { BackupEntry, BackupState } from '../state/backups.ts';

/** What lies at a location under a name. UNKNOWN: the location cannot be seen from here. */
export interface FoundBackup {
  state: 'COMPLETE' | 'PARTIAL' | 'INCOMPLETE' | 'ABSENT' | 'DAMAGED' | 'UNKNOWN';
  message: string | null;
}

/** A backup as it was asked for, with what is known of it on both sides. */
export interface Candidate {
  name: string;
  location: string;
  found: FoundBackup;
  entry: BackupEntry | null;
  /** Only some keyspaces or tables are asked for: whether these are whole, the nodes' check finds out. */
  isChoice: boolean;
}

/** True for a directory in each node's own sandbox: nobody else sees what lies there. */
export function isSandboxLocation(location: string): boolean {
  return !location.startsWith('/') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(location);
}

/** A name is used once, also when what lies under it is not whole. Throws NAME_TAKEN. */
export function checkNameIsFree({ name, location, found, entry }: Candidate): void {
  if (entry === null && (found.state === 'ABSENT' || found.state === 'UNKNOWN')) return;
  const told = entry ? `by job ${entry.jobId} (${entry.state})` : `by a backup that is ${found.state} there`;
  throw new OperatorError('NAME_TAKEN', `Backup name ${name} is already used at ${location} ${told}`, {
    hint: 'Choose another name; a name is used once.',
  });
}

/**
 * Refuses what is surely no whole backup. What lies at the location is the truth; where that cannot be seen,
 * what this scheduler remembers. A name that it never heard of may still lie at a location that only the nodes
 * can see: then their check decides. Throws BACKUP_NOT_FOUND, BACKUP_INCOMPLETE, BACKUP_DAMAGED.
 */
export function checkCanBeRestored(candidate: Candidate, missing: () => string | null): void {
  const { name, location, found, entry } = candidate;
  const state = found.state === 'UNKNOWN' ? remembered(candidate) : found.state;
  if (state === 'COMPLETE' || state === 'UNKNOWN' || (state === 'PARTIAL' && candidate.isChoice)) return;
  if (state === 'ABSENT') {
    const made = entry ? `; job ${entry.jobId} made one, it is not there any more` : '';
    throw new OperatorError('BACKUP_NOT_FOUND', `There is no backup ${name} at ${location}${made}`, {
      hint: 'GET /cluster/jobs lists the backups that were made, with name and location.',
    });
  }
  if (state === 'DAMAGED') {
    throw new OperatorError('BACKUP_DAMAGED', `Backup ${name} at ${location} is damaged${tail(found.message)}`);
  }
  const what = state === 'RUNNING' ? 'is still being made' : `is not whole (${state})`;
  const reason = found.message ?? missing();
  throw new OperatorError('BACKUP_INCOMPLETE', `Backup ${name} at ${location} ${what}${tail(reason)}`, {
    hint:
      state === 'PARTIAL'
        ? 'Name the keyspaces that are whole on all nodes to restore only those.'
        : 'Restore a backup that is COMPLETE.',
  });
}

function remembered({ location, entry }: Candidate): FoundBackup['state'] | BackupState {
  if (entry) return entry.state;
  return isSandboxLocation(location) ? 'ABSENT' : 'UNKNOWN';
}

function tail(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

/** The catalogue's entry that a backup job stands for; null for a restore. */
export function entryOf(job: ClusterJob): BackupEntry | null {
  const { id: jobId, backupName: name, location, started, finished } = job;
  if (job.type !== 'BACKUP' || name === null || location === null) return null;
  return { location, name, jobId, state: stateOf(job), started, finished };
}

function stateOf({ result }: ClusterJob): BackupState {
  if (result === null) return 'RUNNING';
  if (result === 'SUCCESS') return 'COMPLETE';
  return result === 'PARTIAL' ? 'PARTIAL' : 'INCOMPLETE';
}
