import type { JobParameters, NewJob, Phase, Step } from '../model/cluster-job.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import { removalOf } from './removal.ts';
import { inspectorsOf } from './verification.ts';

/** What a job is about; checked already. */
export interface PlanRequest {
  uuid: string;
  /** Null for jobs that have nothing to do with a backup, as `location`. */
  backupName: string | null;
  location: string | null;
  parameters: JobParameters;
}

/** The job with everything that it has to do. Throws where a node may not be removed, see removal.ts. */
export function planJob(type: JobType, request: PlanRequest, nodes: ClusterNode[], now: number): NewJob {
  if (type === 'REMOVE') return planRemove(request, nodes, now);
  const ids = takingPart(request, nodes);
  const inspectors = type === 'VERIFY' ? { inspectors: inspectorsOf(nodes.filter(isMember)) } : {};
  const parameters = { ...request.parameters, ...inspectors };
  return newJob(type, { ...request, parameters }, now, PHASES[type](ids, parameters));
}

/** Each may have to be sent the whole record, which for thousands of nodes has megabytes. */
const COMMITS_AT_ONCE = 50;

const PHASES: Record<Exclude<JobType, 'REMOVE'>, (ids: string[], parameters: JobParameters) => Phase[]> = {
  /**
   * Proof that each node can write there → [snapshot of all nodes →] copy, one node after the other or n at a time → proof that it is all
   * there → the cluster's record.
   */
  BACKUP: (ids, { snapshot, concurrency }) => [
    phase('preflight', ids, ids.length),
    ...(snapshot === 'together' ? [phase('snapshot', ids, ids.length)] : []),
    phase('backup', ids, concurrency),
    phase('confirm', ids, ids.length),
    phase('commit', ids, Math.min(ids.length, COMMITS_AT_ONCE)),
  ],
  /** Nothing is touched before every node has checked and staged; see design of the phases in model/cluster-job.ts. */
  RESTORE: (ids, { concurrency }) => [
    phase('check', ids, ids.length),
    phase('stage', ids, concurrency),
    // Which node it is gets decided when all have staged; see phase-end.ts.
    { ...phase('truncate', ids.slice(0, 1), 1), once: true },
    phase('load', ids, concurrency),
    phase('verify', ids, ids.length),
  ],
  CLEANUP: (ids, { concurrency }) => [phase('clean', ids, concurrency)],
  REPAIR: (ids, { concurrency }) => [phase('repair', ids, concurrency)],
  RESTART: (ids, { concurrency }) => [phase('restart', ids, concurrency)],
  /** Each node its part; then what was found is written down. */
  VERIFY: (ids) => [phase('inspect', ids, ids.length), phase('commit', ids, Math.min(ids.length, COMMITS_AT_ONCE))],
  /** One node after the other, until one has seen and deleted all of it; see deletion.ts. */
  DELETE: (ids) => [phase('delete', ids, 1)],
  /** One node after the other: where they share the location the first does it all. */
  PRUNE: (ids) => [phase('prune', ids, 1)],
  SWEEP: (ids) => [phase('sweep', ids, 1)],
  RENAME: (ids) => [phase('rename', ids, 1)],
  /** As a backup, but each node takes over what lies under its name already. */
  ADOPT: (ids, { concurrency }) => [
    phase('preflight', ids, ids.length),
    phase('backup', ids, concurrency),
    phase('confirm', ids, ids.length),
    phase('commit', ids, Math.min(ids.length, COMMITS_AT_ONCE)),
  ],
};

/** By the node itself, by another one when it is down; a node that never joined is only to be forgotten, see node-orders.ts. */
function planRemove(request: PlanRequest, nodes: ClusterNode[], now: number): NewJob {
  const [executorId = ''] = request.parameters.nodes ?? [];
  const removal = removalOf(executorId, nodes.filter(isMember));
  if (removal.how === 'FORGET') return newJob('REMOVE', request, now, []);
  if (removal.how === 'DECOMMISSION') return newJob('REMOVE', request, now, [phase('decommission', [executorId], 1)]);
  const parameters = { ...request.parameters, removeHostId: removal.hostId };
  const removenode = { ...phase('removenode', [removal.by], 1), once: true };
  return newJob('REMOVE', { ...request, parameters }, now, [removenode]);
}

/** A phase with all of its steps still to be done, in the order of the ids. */
export function phase(name: PhaseName, executorIds: string[], concurrency: number): Phase {
  return { name, concurrency, once: false, finished: null, steps: executorIds.map(pendingStep) };
}

/** Also the nodes that are down: each gets its step, and in it the reason when it cannot be done. */
function takingPart({ parameters }: PlanRequest, nodes: ClusterNode[]): string[] {
  const chosen = parameters.nodes && new Set(parameters.nodes);
  return nodes
    .filter(isMember)
    .toSorted((a, b) => a.number - b.number)
    .map(({ executorId }) => executorId)
    .filter((executorId) => chosen?.has(executorId) ?? true);
}

function newJob(type: NewJob['type'], request: PlanRequest, now: number, phases: Phase[]): NewJob {
  return {
    ...request,
    type,
    started: now,
    finished: null,
    aborted: false,
    abortNow: false,
    result: null,
    phases,
    errors: [],
  };
}

function pendingStep(executorId: string): Step {
  return {
    executorId,
    state: 'PENDING',
    attempt: 1,
    taskId: null,
    started: null,
    finished: null,
    notBefore: null,
    waitingSince: null,
    lastSeen: null,
    killSince: null,
    report: null,
    error: null,
  };
}
