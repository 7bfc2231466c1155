/** A cluster job is a list of phases, a phase a list of steps, a step the work of one node. */
export type JobType =
  | 'BACKUP'
  | 'RESTORE'
  | 'CLEANUP'
  | 'REPAIR'
  | 'RESTART'
  | 'REMOVE'
  | 'VERIFY'
  | 'DELETE'
  | 'PRUNE'
  | 'SWEEP'
  | 'RENAME'
  | 'ADOPT';

/**
 * BACKUP: preflight → [snapshot →] backup → confirm → commit. RESTORE: check → stage → truncate → load → verify.
 * CLEANUP: clean (nodetool's cleanup). REPAIR: repair. RESTART: restart. REMOVE: decommission (by the node itself) or
 * removenode (by another one, when the node is dead). VERIFY of a backup: inspect → commit. DELETE of a backup: delete.
 * PRUNE (what a retention policy lets go): prune. SWEEP (orphaned bytes): sweep. RENAME (an executor's folders): rename. ADOPT (of a backup
 * that another program made): preflight → backup, in which each node adopts what lies under its name → confirm → commit.
 * Any may end with `cleanup`, when it is aborted or fails with something left on the nodes.
 */
export type PhaseName =
  | 'preflight'
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
  | 'delete'
  | 'prune'
  | 'sweep'
  | 'rename';

const BACKUP_JOBS: ReadonlySet<JobType> = new Set(['BACKUP', 'RESTORE', 'VERIFY', 'DELETE', 'ADOPT']);
const LOCATION_JOBS: ReadonlySet<JobType> = new Set([...BACKUP_JOBS, 'PRUNE', 'SWEEP', 'RENAME']);

/** True for jobs about one backup: they have a name and a location. */
export function isBackupJob(type: JobType): boolean {
  return BACKUP_JOBS.has(type);
}

/** True for jobs that have a location. */
export function isLocationJob(type: JobType): boolean {
  return LOCATION_JOBS.has(type);
}
