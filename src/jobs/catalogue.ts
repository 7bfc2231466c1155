import { OperatorError } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { summaryOf, type StoredState } from '../model/backup-summary.ts';
import type { BackupEntry, BackupState } from '../state/backups.ts';
import { backupRecord } from './backup-record.ts';
import { stepsOf } from './steps.ts';

/** What lies at a location under a name. UNKNOWN: the location cannot be seen from here. */
export interface FoundBackup {
  state: StoredState | 'ABSENT' | 'UNKNOWN';
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
  const told =
    entry === null || entry.jobId === null
      ? `by a backup that is ${entry?.state ?? found.state} there`
      : `by job ${entry.jobId} (${entry.state})`;
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
  const { name, location, found } = candidate;
  const state = found.state === 'UNKNOWN' ? remembered(candidate) : found.state;
  if (state === 'COMPLETE' || state === 'UNKNOWN' || (state === 'PARTIAL' && candidate.isChoice)) return;
  if (state === 'ABSENT') throw notFound(candidate);
  if (state === 'DAMAGED') {
    throw new OperatorError('BACKUP_DAMAGED', `Backup ${name} at ${location} is damaged${tail(found.message)}`);
  }
  const what = UNFIT[state] ?? `is not whole (${state})`;
  const reason = found.message ?? missing();
  throw new OperatorError('BACKUP_INCOMPLETE', `Backup ${name} at ${location} ${what}${tail(reason)}`, {
    hint:
      state === 'PARTIAL'
        ? 'Name the keyspaces that are whole on all nodes to restore only those.'
        : 'Restore a backup that is COMPLETE.',
  });
}

const UNFIT: Partial<Record<FoundBackup['state'] | BackupState, string>> = {
  RUNNING: 'is still being made',
  DELETING: 'is being deleted',
};

/** Only what has a record, or may have one, can be held against it. Throws BACKUP_NOT_FOUND, BACKUP_INCOMPLETE. */
export function checkCanBeVerified(candidate: Candidate): void {
  const { name, location, found } = candidate;
  const state = found.state === 'UNKNOWN' ? remembered(candidate) : found.state;
  if (state === 'ABSENT') throw notFound(candidate);
  if (state !== 'INCOMPLETE' && UNFIT[state] === undefined) return;
  const what = UNFIT[state] ?? 'is incomplete: it has no record that it could be held against';
  throw new OperatorError('BACKUP_INCOMPLETE', `Backup ${name} at ${location} ${what}`);
}

/** Whatever lies there may go, also what is left of a backup. Throws BACKUP_NOT_FOUND. */
export function checkCanBeDeleted(candidate: Candidate): void {
  const state = candidate.found.state === 'UNKNOWN' ? remembered(candidate) : candidate.found.state;
  if (state === 'ABSENT') throw notFound(candidate);
}

/** Says what is known of a backup that is not there. */
export function notFound({ name, location, entry }: Candidate): OperatorError {
  const made = entry && entry.jobId !== null ? `; job ${entry.jobId} made one, it is not there any more` : '';
  return new OperatorError('BACKUP_NOT_FOUND', `There is no backup ${name} at ${location}${made}`, {
    hint: 'GET /cluster/backups lists the backups that there are, with name and location.',
  });
}

/** What this scheduler knows of a backup whose location cannot be seen from here. */
export function remembered({ location, entry }: Candidate): FoundBackup['state'] | BackupState {
  if (entry) return entry.state;
  return isSandboxLocation(location) ? 'ABSENT' : 'UNKNOWN';
}

function tail(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}

/** The catalogue's entry that a backup job stands for; null for jobs that make none. */
export function entryOf(job: ClusterJob, cluster: string): BackupEntry | null {
  const { id: jobId, backupName: name, location, started, finished } = job;
  if ((job.type !== 'BACKUP' && job.type !== 'ADOPT') || name === null || location === null) return null;
  const hasRecord = stepsOf(job, 'commit').some(({ state }) => state === 'SUCCESS');
  const summary = hasRecord ? summaryOf(backupRecord(job, cluster)) : null;
  return { location, name, jobId, state: stateOf(job), started, finished, summary };
}

function stateOf({ result }: ClusterJob): BackupState {
  if (result === null) return 'RUNNING';
  if (result === 'SUCCESS') return 'COMPLETE';
  return result === 'PARTIAL' ? 'PARTIAL' : 'INCOMPLETE';
}
