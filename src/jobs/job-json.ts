import { isPhaseFinal, isStepActive, type ClusterJob, type Phase, type Step } from '../model/cluster-job.ts';
import type { BackupMode, DamagedFile } from '../model/backup.ts';
import type { NodeMap } from '../model/foreign-backup.ts';
import type { ClusterNode } from '../model/node.ts';
import type { JobError } from '../model/step.ts';
import { lasting } from './json-text.ts';
import {
  nodeJson,
  nodeParts,
  placeOf,
  sentOf,
  type NodeJson,
  type NodePart,
  type NodePlace,
  type Sent,
} from './node-json.ts';
import { oncePer } from './once-per.ts';
import { isCopying } from './pace.ts';
import { progressOf } from './progress.ts';
import { filesKept } from './deletion.ts';
import { prunedOf } from './pruned.ts';
import { renamedOf, type RenamedJson } from './renaming.ts';
import { jobErrors } from './shortfalls.ts';
import { ringOf } from './readiness.ts';
import { stepsOf } from './steps.ts';
import { sweptOf, type SweptJson } from './swept.ts';
import { damagedOf, extraOf } from './verification.ts';

export interface StepJson {
  executorId: string;
  taskId: string | null;
  state: Step['state'];
  attempt: number;
  started: number | null;
  finished: number | null;
  bytesTotal: number | null;
  bytesDone: number;
  filesTotal: number | null;
  filesDone: number;
  current: string | null;
  error: JobError | null;
}

export interface PhaseJson {
  name: Phase['name'];
  state: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'SKIPPED';
  started: number | null;
  finished: number | null;
  strategy: 'serial' | 'parallel' | 'once';
  concurrency: number;
  steps: StepJson[];
}

/** A job as the REST API shows it: the forerunner's fields in its order, then ours. Times are epoch ms or null. */
export interface JobJson extends Partial<Sent> {
  type: ClusterJob['type'];
  started: number;
  finished: number | null;
  aborted: boolean;
  remainingNodes: string[];
  currentNode: NodeJson | null;
  completedNodes: NodeJson[];
  /** Absent for jobs that have nothing to do with a backup. */
  backupName?: string;
  id: number;
  result: ClusterJob['result'];
  location?: string;
  /** They came with the request, and are told to nobody. */
  credentials?: 'request';
  /** VERIFY only, as `damaged` and `extra`. */
  deep?: boolean;
  /** What is not as the backup's documents say. */
  damaged?: DamagedFile[];
  /** Files that no manifest names. */
  extra?: { executorId: string; path: string }[];
  /** PRUNE only: names of backups that are gone, and of those that had to stay. */
  deleted?: string[];
  kept?: { name: string; reason: string }[];
  /** DELETE and PRUNE: files that stay until other backups, which need them, are gone too. */
  filesKept?: number;
  renamed?: RenamedJson;
  /** SWEEP only: what was found, and deleted unless it was a dry run. */
  swept?: SweptJson;
  /** ADOPT only: the folder that was named, null for the default, and whose folders are whose. */
  adoptFrom?: string | null;
  nodeMap?: NodeMap | null;
  progress: number | null;
  bytesTotal: number | null;
  bytesDone: number;
  filesTotal: number | null;
  filesDone: number;
  rate: number | null;
  eta: number | null;
  /** BACKUP and RESTORE: limits in bytes per second of each node and of all together; null for none. */
  bandwidth?: number | null;
  clusterBandwidth?: number | null;
  /** Of a backup: whether it builds upon earlier ones. */
  mode?: BackupMode;
  phases: PhaseJson[];
  errors: JobError[];
  /** All nodes at work; `currentNode` is the first of them. */
  currentNodes: NodeJson[];
}

// Of a job that runs, most steps stay as they are for long, and it is asked for all the time.

export const stepJson = oncePer((step: Step): StepJson => {
  const { executorId, taskId, state, attempt, started, finished, report, error } = step;
  return lasting({
    executorId,
    taskId,
    state,
    attempt,
    started,
    finished,
    bytesTotal: report?.bytesTotal ?? null,
    bytesDone: report?.bytesDone ?? 0,
    filesTotal: report?.filesTotal ?? null,
    filesDone: report?.filesDone ?? 0,
    current: isStepActive(step) ? (report?.current ?? null) : null,
    error,
  });
});

export const phaseJson = oncePer((phase: Phase): PhaseJson => {
  const { name, concurrency, steps } = phase;
  const starts = steps.flatMap(({ started }) => started ?? []);
  const ends = steps.flatMap(({ finished }) => finished ?? []);
  const json: PhaseJson = {
    name,
    state: phaseState(phase),
    started: starts.length === 0 ? null : Math.min(...starts),
    finished: isPhaseFinal(phase) && ends.length > 0 ? Math.max(...ends) : null,
    strategy: phase.once ? 'once' : concurrency === 1 ? 'serial' : 'parallel',
    concurrency,
    steps: steps.map(stepJson),
  };
  return phase.finished === null ? json : lasting(json);
});

export function jobJson(job: ClusterJob, nodes: ClusterNode[]): JobJson {
  const places: Record<NodePlace, NodePart[]> = { remaining: [], current: [], completed: [] };
  for (const part of nodeParts(job)) places[placeOf(part)].push(part);
  const ring = ringOf(nodes);
  const currentNodes = places.current.map((part) => nodeJson(job, part, ring));
  const completedNodes = places.completed.map((part) => nodeJson(job, part, ring));
  return {
    type: job.type,
    started: job.started,
    finished: job.finished,
    aborted: job.aborted,
    remainingNodes: places.remaining.map(({ executorId }) => executorId),
    currentNode: currentNodes[0] ?? null,
    completedNodes: completedNodes.sort((a, b) => (a.finishedTimestamp ?? 0) - (b.finishedTimestamp ?? 0)),
    ...(job.backupName === null ? {} : { backupName: job.backupName }),
    id: job.id,
    result: job.result,
    ...(job.location === null ? {} : { location: job.location }),
    ...(job.parameters.credentials === undefined ? {} : { credentials: job.parameters.credentials }),
    ...(job.type === 'VERIFY' ? findings(job) : {}),
    ...(job.type === 'PRUNE' ? prunedOf(job) : {}),
    ...(job.type === 'PRUNE' || job.type === 'DELETE' ? { filesKept: filesKept(job) } : {}),
    ...(job.type === 'SWEEP' ? { swept: sweptOf(job) } : {}),
    ...(job.type === 'RENAME' ? { renamed: renamedOf(job) } : {}),
    ...(job.type === 'ADOPT' ? adoptionOf(job) : {}),
    ...progressOf(job),
    ...(isCopying(job.type) ? limitsOf(job) : {}),
    ...(job.type === 'BACKUP' ? incrementOf(job) : {}),
    phases: job.phases.map(phaseJson),
    errors: jobErrors(job),
    currentNodes,
  };
}

function limitsOf({ parameters }: ClusterJob): Pick<JobJson, 'bandwidth' | 'clusterBandwidth'> {
  return { bandwidth: parameters.bandwidth ?? null, clusterBandwidth: parameters.clusterBandwidth ?? null };
}

function incrementOf(job: ClusterJob): Pick<JobJson, 'mode' | keyof Sent> {
  const sent = sentOf(stepsOf(job, 'backup').map(({ report }) => report));
  return { ...sent, mode: job.parameters.mode ?? 'incremental' };
}

function findings(job: ClusterJob): Pick<JobJson, 'deep' | 'damaged' | 'extra'> {
  return { deep: job.parameters.deep ?? false, damaged: damagedOf(job), extra: extraOf(job) };
}

function phaseState(phase: Phase): PhaseJson['state'] {
  const { steps } = phase;
  if (isPhaseFinal(phase)) {
    if (steps.some(({ state }) => state === 'FAILED')) return 'FAILED';
    return steps.some(({ state }) => state === 'SUCCESS') ? 'SUCCESS' : 'SKIPPED';
  }
  return steps.some((step) => isStepActive(step) || step.started !== null) ? 'RUNNING' : 'PENDING';
}

function adoptionOf({ parameters: { adoptFrom, nodeMap } }: ClusterJob) {
  return { adoptFrom: adoptFrom ?? null, nodeMap: nodeMap ?? null };
}
