/** A cluster job is a list of phases, a phase a list of steps, a step the work of one node. */
export type JobType = 'BACKUP' | 'RESTORE' | 'CLEANUP' | 'REPAIR' | 'RESTART' | 'REMOVE' | 'VERIFY' | 'DELETE';

/**
 * BACKUP: [snapshot →] backup → confirm → commit. RESTORE: check → stage → truncate → load → verify.
 * CLEANUP: clean (nodetool's cleanup). REPAIR: repair. RESTART: restart. REMOVE: decommission (by the node itself) or
 * removenode (by another one, when the node is dead). VERIFY of a backup: inspect → commit. DELETE of a backup: delete.
 * Any may end with `cleanup`, when it is aborted or fails with something left on the nodes.
 */
export type PhaseName =
  | 'snapshot'
  | 'backup'
  | 'confirm'
  | 'commit'
  | 'check'
  | 'stage'
  | 'truncate'
  | 'load'
  | 'verify'
  | 'cleanup'
  | 'clean'
  | 'repair'
  | 'restart'
  | 'decommission'
  | 'removenode'
  | 'inspect'
  | 'delete';

const BACKUP_JOBS: ReadonlySet<JobType> = new Set(['BACKUP', 'RESTORE', 'VERIFY', 'DELETE']);

/** True for jobs about a backup: they have a name and a location. */
export function isBackupJob(type: JobType): boolean {
  return BACKUP_JOBS.has(type);
}
