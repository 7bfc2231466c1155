import type { ClusterJob, Step } from '../model/cluster-job.ts';
import { isMember, isNodeReady, type ClusterNode } from '../model/node.ts';
import { emptyReport } from '../model/step.ts';
import type { Limits } from './limits.ts';
import { currentPhase, turns } from './next-steps.ts';
import { ringOf, type Ring } from './readiness.ts';
import { changePhase, jobError } from './steps.ts';
import { describe, seconds } from './waiting.ts';

/** A job after it gave its orders, and the nodes that they changed. Both are to be stored together. */
export interface Ordered {
  job: ClusterJob;
  changed: ClusterNode[];
}

/**
 * What a job does by ordering nodes about instead of by tasks of its own: restarts, and the end of a removed node. The
 * same job and no nodes when there is nothing to order.
 */
export function giveOrders(job: ClusterJob, nodes: ClusterNode[], now: number, limits: Limits): Ordered {
  if (job.finished !== null) return { job, changed: [] };
  return job.type === 'REMOVE' ? endRemoved(job, nodes) : restartNodes(job, nodes, now, limits);
}

/** Once the node is out of the ring, nothing of it is to stay: not its process, not its data. */
function endRemoved(job: ClusterJob, nodes: ClusterNode[]): Ordered {
  const isOut = job.phases.every(({ steps }) => steps.every(({ state }) => state === 'SUCCESS'));
  const node = nodes.find(({ executorId }) => job.parameters.nodes?.[0] === executorId);
  if (!isOut || !node || !isMember(node)) return { job, changed: [] };
  return { job, changed: [{ ...node, targetRunState: 'TERMINATE', seed: false, deleteData: true }] };
}

/**
 * Ends the restarts whose node is back or will not come, and begins those whose turn it is. An abort begins none, and
 * lets those under way end: half a restart is a node that is down.
 */
function restartNodes(job: ClusterJob, nodes: ClusterNode[], now: number, limits: Limits): Ordered {
  const phaseIndex = currentPhase(job);
  const phase = job.phases[phaseIndex];
  if (phase?.name !== 'restart') return { job, changed: [] };
  const ring = ringOf(nodes);
  const settled = changePhase(phase, (step) => (step.state === 'RUNNING' ? endOf(step, ring, now, limits) : null));
  const { launchable } = job.aborted ? { launchable: [] } : turns(job, settled, ring, now);
  const begun = new Set(launchable);
  const after = changePhase(settled, (step, index) =>
    begun.has(index) ? begin(ring.get(step.executorId), now) : null,
  );
  const changed = launchable.flatMap((index) => ring.get(phase.steps[index]?.executorId ?? '') ?? []);
  return {
    job: after === phase ? job : { ...job, phases: job.phases.with(phaseIndex, after) },
    changed: changed.map((node) => ({ ...node, targetRunState: 'RESTART' as const })),
  };
}

/** A restart is no Mesos task: it has no task id. `report.current` is the server task that is to be replaced by another. */
function begin(node: ClusterNode | undefined, now: number): Partial<Step> {
  const report = { ...emptyReport(), current: node?.serverTaskId ?? null };
  return { state: 'RUNNING', started: now, lastSeen: now, waitingSince: null, report };
}

/** Null while the restart goes on. */
function endOf(step: Step, ring: Ring, now: number, limits: Limits): Partial<Step> | null {
  const { executorId, started, lastSeen, report } = step;
  const node = ring.get(executorId);
  const failed = (code: string, message: string): Partial<Step> => ({
    state: 'FAILED',
    finished: now,
    lastSeen: null,
    error: jobError(code, message, { executorId }),
  });
  if (!node || !isMember(node)) return failed('NODE_DOWN', `${executorId} is not part of the cluster any more`);
  if (node.targetRunState === 'STOP') return failed('NODE_STOPPED', `${executorId} was stopped by the operator`);
  const isAnother = node.serverTaskId !== report?.current;
  const isBack = isAnother && isNodeReady(node) && (node.healthAt ?? 0) >= (started ?? 0);
  const strangers = isBack ? strangersOf(node, ring) : [];
  if (isBack && strangers.length === 0) return { state: 'SUCCESS', finished: now, lastSeen: null };
  // A scheduler that was away has set it to its return: its own absence is not the node's.
  const since = lastSeen ?? now;
  if (now - since < limits.nodeReadyMs) return null;
  const waited = `${seconds(now - since)} after the restart was ordered`;
  const [stranger] = strangers;
  if (stranger)
    return failed('TIMEOUT', `${executorId} and ${stranger.executorId} do not see each other as up ${waited}`);
  const told = isAnother ? describe(node, now) : `it still runs as ${node.serverTaskId}`;
  return failed('TIMEOUT', `Not NORMAL again ${waited}: ${told}`);
}

/**
 * Members that are up and do not see the restarted node as up yet, or it does not see them. A node that stops says goodbye only
 * to those that it sees as up: one that was restarted too early would leave the node waiting for answers that never come.
 */
function strangersOf(node: ClusterNode, ring: Ring): ClusterNode[] {
  const startedAt = (node.healthAt ?? 0) - (node.health?.uptimeMillis ?? 0);
  return [...ring.values()].filter(
    (other) =>
      other.executorId !== node.executorId &&
      isMember(other) &&
      isNodeReady(other) &&
      !(sees(node, other) && sees(other, node) && (other.healthAt ?? 0) > startedAt),
  );
}

function sees({ health }: ClusterNode, { ip }: ClusterNode): boolean {
  return ip !== null && health !== null && health.liveNodes.includes(ip);
}
