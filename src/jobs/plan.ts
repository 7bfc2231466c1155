import type { JobParameters, NewJob, Phase, Step } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { ClusterNode } from '../model/node.ts';

/** What a job is about; checked already. */
export interface PlanRequest {
  uuid: string;
  backupName: string;
  location: string;
  parameters: JobParameters;
}

/** [snapshot of all nodes →] copy, one node after the other or n at a time → proof that it is all there → the cluster's record. */
export function planBackup(request: PlanRequest, nodes: ClusterNode[], now: number): NewJob {
  const { snapshot, concurrency } = request.parameters;
  const ids = takingPart(request, nodes);
  return newJob('BACKUP', request, now, [
    ...(snapshot === 'together' ? [phase('snapshot', ids, ids.length)] : []),
    phase('backup', ids, concurrency),
    phase('confirm', ids, ids.length),
    phase('commit', ids, ids.length),
  ]);
}

/** Nothing is touched before every node has checked and staged; see design of the phases in model/cluster-job.ts. */
export function planRestore(request: PlanRequest, nodes: ClusterNode[], now: number): NewJob {
  const { concurrency } = request.parameters;
  const ids = takingPart(request, nodes);
  return newJob('RESTORE', request, now, [
    phase('check', ids, ids.length),
    phase('stage', ids, concurrency),
    // Which node it is gets decided when all have staged; see phase-end.ts.
    { ...phase('truncate', ids.slice(0, 1), 1), once: true },
    phase('load', ids, concurrency),
    phase('verify', ids, ids.length),
  ]);
}

/** A phase with all of its steps still to be done, in the order of the ids. */
export function phase(name: PhaseName, executorIds: string[], concurrency: number): Phase {
  return { name, concurrency, once: false, finished: null, steps: executorIds.map(pendingStep) };
}

/** Also the nodes that are down: each gets its step, and in it the reason when it cannot be done. */
function takingPart({ parameters }: PlanRequest, nodes: ClusterNode[]): string[] {
  return nodes
    .toSorted((a, b) => a.number - b.number)
    .map(({ executorId }) => executorId)
    .filter((executorId) => parameters.nodes?.includes(executorId) ?? true);
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
