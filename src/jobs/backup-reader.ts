import type { BackupDetails, BackupSummary } from '../model/backup-summary.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { ForeignBackup } from '../model/foreign-backup.ts';

/** What was found at a location, or why the scheduler's host cannot look there. */
export type Seen<T> = { seen: true; found: T } | { seen: false; reason: string };

/**
 * Looks at locations from the scheduler's host, with the credentials that came with a request where it says so. Not asked about sandboxes. Other clusters'
 * backups are never shown.
 */
export interface BackupReader {
  list(location: string, given?: GivenCredentials): Promise<Seen<BackupSummary[]>>;
  /** Null: nothing has that name. */
  read(location: string, name: string): Promise<Seen<BackupDetails | null>>;
  /** What other programs have made there, and could be adopted. */
  foreign(location: string, given?: GivenCredentials): Promise<Seen<ForeignBackup[]>>;
  /** Bytes that the deletion of a backup alone would free; null until they were counted. */
  ownBytes(location: string, name: string): number | null;
  /** Counts them, which may take long. Null where other backups came or went meanwhile. */
  countOwnBytes(location: string, name: string): Promise<number | null>;
}
