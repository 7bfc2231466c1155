/** What the commands read of the REST API's JOB; api-docs/openapi.yaml has all of it. */
export interface JobView {
  id: number;
  type:
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
  /** Only of jobs about a backup, as `location`. */
  backupName?: string;
  location?: string;
  started: number;
  finished: number | null;
  aborted: boolean;
  result: 'SUCCESS' | 'PARTIAL' | 'FAILURE' | 'ABORTED' | null;
  /** 0 to 1; null while nothing is known of the size. */
  progress: number | null;
  bytesTotal: number | null;
  bytesDone: number;
  /** Bytes per second, and the milliseconds that are left at that rate; null when unknown. */
  rate: number | null;
  eta: number | null;
  /** Backup only: how much was not at the location yet. */
  bytesSent?: number;
  remainingNodes: string[];
  currentNodes: NodeView[];
  completedNodes: NodeView[];
  /** Of a pruning: names of backups that are gone. */
  deleted?: string[];
  /** Of a pruning or deletion: how many files others need. */
  filesKept?: number;
  renamed?: RenamedView;
  /** Sweep only. */
  swept?: SweptView;
  phases: PhaseView[];
  errors: {
    executorId: string | null;
    keyspace: string | null;
    table: string | null;
    code: string;
    message: string;
  }[];
}

export interface SweptView {
  dryRun: boolean;
  files: number;
  bytes: number;
  found: { path: string; files: number; bytes: number; reason: string }[];
}

export interface NodeView {
  executorId: string;
  startedTimestamp: number | null;
  finishedTimestamp: number | null;
  failure?: { failed: boolean; message: string };
  processedKeyspaces: Record<string, { status: string; durationMillis: number; bytes: number }>;
  remainingKeyspaces: string[];
}

export interface PhaseView {
  name: string;
  steps: { executorId: string; state: string; attempt: number; current: string | null }[];
}

export interface RenamedView {
  from: string;
  to: string;
  dryRun: boolean;
  backups: string[];
  files: number;
  bytes: number;
}
