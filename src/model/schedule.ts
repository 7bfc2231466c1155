import type { JobResult } from './cluster-job.ts';
import type { RetentionPolicy } from './retention.ts';

/** What a scheduled backup is asked for; as of `/cluster/backup/start`, without the name. */
export interface ScheduledParameters {
  location?: string;
  keyspaces?: string[];
  tables?: string[];
  /** Executor ids. */
  nodes?: string[];
  strategy?: 'serial' | 'parallel';
  concurrency?: number;
  snapshot?: 'each' | 'together';
  mode?: 'incremental' | 'full';
  /** Bytes per second. */
  bandwidth?: number;
  clusterBandwidth?: number;
}

/** When backups are made by themselves, as an operator says it. Times in ms. */
export interface ScheduleSpec {
  name: string;
  /** Five parts, or six with seconds first. */
  cron: string;
  timeZone: string;
  /** What to do when another job runs at that time: leave the run out, or begin once it has ended. */
  overlap: 'skip' | 'wait';
  /** What to do about runs for which no scheduler was there: leave them out, or make up for them with one. */
  missed: 'skip' | 'run';
  /** Each run begins by up to so much later, so that many clusters do not begin at once. */
  jitterMs: number;
  /** With `{schedule}` and `{time}`, the planned time in UTC as 20261120T030000Z. */
  namePattern: string;
  parameters: ScheduledParameters;
  /** What is to be deleted after each success; null: nothing. */
  retention: RetentionPolicy | null;
  /** A last success that is older makes the cluster unhealthy; null: never. */
  maxAgeMs: number | null;
}

/** How a planned run ended. SKIPPED: it was left out, and `message` says why. */
export interface ScheduledRun {
  /** For when it was planned. Epoch ms. */
  planned: number;
  /** When that was decided, or its job ended. */
  ended: number;
  job: number | null;
  result: JobResult | 'SKIPPED';
  message: string | null;
}

/** A run that was begun: its backup's name is known before its job is. */
export interface ScheduleWork {
  planned: number;
  backupName: string;
  /** Null: not started yet, or the scheduler ended before it could note it. */
  job: number | null;
}

/** A schedule with what became of it. Times are epoch ms. */
export interface Schedule extends ScheduleSpec {
  paused: boolean;
  created: number;
  /** Of every time up to this one it was decided what to do. */
  decided: number;
  /** At work, or waiting for another job's end. */
  current: ScheduleWork | null;
  /** The retention policy is to be carried out once no job runs. */
  pruneDue: boolean;
  lastRun: ScheduledRun | null;
  lastSuccess: number | null;
  /** Failures since the last success. */
  failures: number;
}
