/** A cluster job is a list of phases, a phase a list of steps, a step the work of one node. */
export type JobType = 'BACKUP' | 'RESTORE' | 'CLEANUP' | 'REPAIR' | 'RESTART' | 'REMOVE';

/**
 * BACKUP: [snapshot →] backup → confirm → commit. RESTORE: check → stage → truncate → load → verify.
 * CLEANUP: clean (nodetool's cleanup). REPAIR: repair. RESTART: restart. REMOVE: decommission (by the node itself) or
 * removenode (by another one, when the node is dead).
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
  | 'removenode';

/** True for jobs that make or read a backup: they have a name and a location. */
export function isBackupJob(type: JobType): type is 'BACKUP' | 'RESTORE' {
  return type === 'BACKUP' || type === 'RESTORE';
}
