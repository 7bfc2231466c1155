/** A cluster job is a list of phases, a phase a list of steps, a step the work of one node. */
export type JobType = 'BACKUP' | 'RESTORE';

/**
 * BACKUP: [snapshot →] backup → confirm → commit. RESTORE: check → stage → truncate → load → verify.
 * Either may end with `cleanup`, when it is aborted or fails with something left on the nodes.
 */
export type PhaseName =
  'snapshot' | 'backup' | 'confirm' | 'commit' | 'check' | 'stage' | 'truncate' | 'load' | 'verify' | 'cleanup';
