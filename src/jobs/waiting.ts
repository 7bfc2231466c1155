import type { ClusterJob, Phase } from '../model/cluster-job.ts';
import { isNodeReady, type ClusterNode } from '../model/node.ts';
import type { JobError } from '../model/step.ts';
import type { Limits } from './limits.ts';
import { nodesNeeded, turns } from './next-steps.ts';
import { jobError, stepAt, withStep } from './steps.ts';

/**
 * Steps of a phase that cannot be done, or not in time, fail with what is known of their node; the others get
 * the beginning of their turn noted. They are not tried again: waiting was the trying.
 */
export function failWaitingSteps(
  job: ClusterJob,
  phaseIndex: number,
  nodes: ClusterNode[],
  now: number,
  limits: Limits,
): ClusterJob {
  const phase = job.phases[phaseIndex];
  if (!phase) return job;
  let next = job;
  const fail = (stepIndex: number, error: JobError): void => {
    next = withStep(next, { phaseIndex, stepIndex }, { state: 'FAILED', finished: now, waitingSince: null, error });
  };
  for (const [index, step] of phase.steps.entries()) {
    if (step.state !== 'PENDING') continue;
    const error = hopeless(job, phase, step.executorId, nodes);
    if (error) fail(index, error);
  }
  const patienceMs = phase.name === 'cleanup' ? limits.cleanupMs : limits.nodeReadyMs;
  const { launchable, waiting } = turns(next, next.phases[phaseIndex] ?? phase, nodes, now);
  for (const index of [...launchable, ...waiting]) {
    const { waitingSince, executorId } = stepAt(next, { phaseIndex, stepIndex: index });
    if (waitingSince === null) next = withStep(next, { phaseIndex, stepIndex: index }, { waitingSince: now });
    else if (now - waitingSince >= patienceMs) fail(index, tooLate(job, phase, executorId, nodes, waitingSince, now));
  }
  return next;
}

/** Why the step cannot be done however long it waits; null when there is hope. */
function hopeless(job: ClusterJob, phase: Phase, executorId: string, nodes: ClusterNode[]): JobError | null {
  for (const id of nodesNeeded(job, phase, executorId)) {
    const node = nodes.find((candidate) => candidate.executorId === id);
    if (!node) return jobError('NODE_DOWN', `${id} is not part of the cluster any more`, { executorId });
    if (node.targetRunState === 'STOP') {
      return jobError('NODE_STOPPED', `${id} was stopped by the operator`, { executorId });
    }
  }
  return null;
}

function tooLate(
  job: ClusterJob,
  phase: Phase,
  executorId: string,
  nodes: ClusterNode[],
  since: number,
  now: number,
): JobError {
  const waited = `Waited ${seconds(now - since)}`;
  const down = nodes.filter(
    (node) => nodesNeeded(job, phase, executorId).includes(node.executorId) && !isNodeReady(node),
  );
  if (down.length === 0) {
    return jobError('TIMEOUT', `${waited} for an offer of the node's agent with room for the task`, { executorId });
  }
  const reasons = down.map((node) => describe(node, now)).join('; ');
  return jobError('NODE_DOWN', `${waited} for the node to be ready: ${reasons}`, { executorId });
}

function describe(node: ClusterNode, now: number): string {
  const { executorId, serverState, lastError, health, healthAt } = node;
  const said =
    health && healthAt !== null
      ? `Cassandra said ${health.operationMode} ${seconds(now - healthAt)} ago`
      : 'Cassandra was never heard of';
  return `${executorId} has server state ${serverState}, ${said}${lastError === null ? '' : `, last error: ${lastError}`}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
