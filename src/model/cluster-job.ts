import type { BackupMode } from './backup.ts';
import type { NodeMap } from './foreign-backup.ts';
import type { JobType, PhaseName } from './phase.ts';
import type { Inspector, JobError, StepReport } from './step.ts';

/** How a job ended. PARTIAL: some keyspace of some node is missing, and `errors` says which. */
export type JobResult = 'SUCCESS' | 'PARTIAL' | 'FAILURE' | 'ABORTED';

/**
 * A step's walk: PENDING → LAUNCHING (stored before the ACCEPT is sent) → RUNNING → SUCCESS | FAILED.
 * A retry goes back to PENDING with the next attempt. SKIPPED: the job ended before the step began.
 */
export type StepState = 'PENDING' | 'LAUNCHING' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'SKIPPED';

/** How far a step was at a time (epoch ms). */
export interface Sample {
  at: number;
  bytes: number;
}

export interface Step {
  executorId: string;
  state: StepState;
  /** 1 for the first try. */
  attempt: number;
  taskId: string | null;
  /** Epoch ms of the first attempt's launch and of the last attempt's end. */
  started: number | null;
  finished: number | null;
  /** A retry waits until then (epoch ms). */
  notBefore: number | null;
  /** Epoch ms since when it is this step's turn; how long it may wait for its node counts from it. */
  waitingSince: number | null;
  /** Epoch ms of the last sign of life while LAUNCHING or RUNNING; the deadline counts from it. */
  lastSeen: number | null;
  /** Epoch ms since when the task is to be killed. */
  killSince: number | null;
  /** The executor's last word, kept over attempts. */
  report: StepReport | null;
  /** How far it was in the last seconds; not stored, so unknown after a restart until it is heard again. */
  samples?: readonly Sample[];
  error: JobError | null;
}

export interface Phase {
  name: PhaseName;
  /** Steps at work at the same time: 1 is serial. */
  concurrency: number;
  /** True where the step acts for the whole cluster through one node; not shown as that node's work. */
  once: boolean;
  /** Epoch ms at which all steps had ended and what follows from them was decided. */
  finished: number | null;
  steps: Step[];
}

/** What the operator asked for. Null means the default: everything. */
export interface JobParameters {
  keyspaces: string[] | null;
  /** `keyspace.table` */
  tables: string[] | null;
  /** Executor ids. */
  nodes: string[] | null;
  strategy: 'serial' | 'parallel';
  concurrency: number;
  /** each: a node's snapshot is taken when its turn comes. together: on all nodes first. */
  snapshot: 'each' | 'together';
  /** BACKUP: whether earlier backups are built upon; left out for incremental. */
  mode?: BackupMode;
  /** BACKUP: read every file, whatever is known of it. */
  rehash?: boolean;
  /** REMOVE of a node that is down: its host id in Cassandra. */
  removeHostId?: string;
  /** VERIFY: every byte is to be read. */
  deep?: boolean;
  /** VERIFY: who inspects which part. */
  inspectors?: Inspector[];
  /** DELETE: also the only whole backup. */
  force?: boolean;
  /** BACKUP: go on with one that has this name and is not whole. */
  resume?: boolean;
  /** Then the uuids of the jobs that have worked on it before, as far as they are known; the first one has begun it. */
  resumes?: string[];
  /** BACKUP, RESTORE: bytes per second of each node, and of all together; left out for no limit. May change while the job runs. */
  bandwidth?: number;
  clusterBandwidth?: number;
  /** PRUNE: the backups that are to go, as decided at the start. RENAME: only in these backups. */
  names?: string[];
  /** SWEEP, RENAME: only say what would be done. */
  dryRun?: boolean;
  /** SWEEP: what was changed within so many ms is left alone. */
  graceMs?: number;
  /** RENAME: executor ids. */
  from?: string;
  to?: string;
  /** ADOPT: the folder of the location in which the other program's nodes have theirs (the forerunner's framework name), and whose these are. */
  adoptFrom?: string;
  nodeMap?: NodeMap;
  /** By which schedule it was started. */
  schedule?: string;
  /** Credentials came with the request. What they are only the scheduler that was asked knows, as long as it lives. */
  credentials?: 'request';
}

export interface ClusterJob {
  id: number;
  /** Marks everything that the job makes on nodes and locations as its own. */
  uuid: string;
  type: JobType;
  /** Null for jobs that have nothing to do with a backup. */
  backupName: string | null;
  location: string | null;
  parameters: JobParameters;
  started: number;
  finished: number | null;
  aborted: boolean;
  /** The running step is to be killed as well. */
  abortNow: boolean;
  result: JobResult | null;
  phases: Phase[];
  /** Errors that belong to no single step. */
  errors: JobError[];
}

/** A job before the state gave it its id. */
export type NewJob = Omit<ClusterJob, 'id'>;

export function isStepFinal(step: Step): boolean {
  return step.state === 'SUCCESS' || step.state === 'FAILED' || step.state === 'SKIPPED';
}

export function isStepActive(step: Step): boolean {
  return step.state === 'LAUNCHING' || step.state === 'RUNNING';
}

export function isPhaseFinal(phase: Phase): boolean {
  return phase.steps.every(isStepFinal);
}
