import { isTerminal } from '../mesos/task-state.ts';
import type { TaskState } from '../mesos/types.ts';
import { isNodeReady, type ClusterNode, type NodeHealth } from '../model/node.ts';

const FIRST_BACKOFF_MS = 2_000;
const LAST_BACKOFF_MS = 60_000;

export function serverTaskId(node: ClusterNode): string {
  return `${node.executorId}.server.${node.launches}`;
}

/**
 * The nodes whose Cassandra may be started now. Seeds come first; a node that never joined waits until all
 * before it are NORMAL, so that only one bootstraps at a time (Cassandra's rule for consistent range
 * movements). A node with data needs only a seed to talk to.
 */
export function launchableNodes(nodes: ClusterNode[], now: number): ClusterNode[] {
  const wanted = nodes.filter((node) => node.targetRunState === 'RUN');
  const seedIsUp = wanted.some((node) => node.seed && isNodeReady(node)) || !wanted.some((node) => node.seed);
  return wanted.filter((node, index) => {
    if (node.serverState !== 'NONE' || (node.launchNotBefore ?? 0) > now) return false;
    if (node.bootstrapped) return node.seed || seedIsUp;
    return wanted.slice(0, index).every(isNodeReady) && nodes.every((other) => !isJoining(other));
  });
}

function isJoining(node: ClusterNode): boolean {
  return !node.bootstrapped && node.serverState !== 'NONE';
}

/** The task is gone, whatever the reason; also one that the master has never heard of: its launch was lost. */
export function hasEnded(state: TaskState): boolean {
  return isTerminal(state) || state === 'TASK_UNKNOWN';
}

/** What a status update of the node's present server task changes. Updates of earlier tasks change nothing. */
export function onServerStatus(
  node: ClusterNode,
  update: { taskId: string; state: TaskState; message: string | null; health: NodeHealth | null },
  now: number,
): ClusterNode {
  if (update.taskId !== node.serverTaskId) return node;
  if (hasEnded(update.state)) return serverEnded(node, `${update.state}: ${update.message ?? 'no reason given'}`, now);
  const seen = update.health ? onHealth(node, update.health, now) : node;
  switch (update.state) {
    case 'TASK_STARTING':
      return { ...seen, serverState: 'STARTING' };
    case 'TASK_RUNNING':
      return { ...seen, serverState: 'RUNNING', lastError: null };
    case 'TASK_KILLING':
      return { ...seen, serverState: 'KILLING' };
    case 'TASK_UNREACHABLE':
      return { ...seen, serverState: 'UNREACHABLE', lastError: update.message ?? 'its agent is unreachable' };
    default:
      return seen;
  }
}

function serverEnded(node: ClusterNode, reason: string, now: number): ClusterNode {
  const wanted = node.targetRunState === 'RUN';
  return {
    ...node,
    serverTaskId: null,
    serverState: 'NONE',
    // A restart was asked for: this end was its first half.
    targetRunState: node.targetRunState === 'RESTART' ? 'RUN' : node.targetRunState,
    launchNotBefore: wanted ? now + backoffMs(node) : null,
    lastError: wanted ? reason : null,
    health: null,
    healthAt: null,
  };
}

/** Twice as long after each failed start, from the beginning again once the node was up for a while. */
function backoffMs(node: ClusterNode): number {
  if (node.serverState === 'RUNNING') return FIRST_BACKOFF_MS;
  return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(node.launches, 5));
}

export function onHealth(node: ClusterNode, health: NodeHealth, now: number): ClusterNode {
  return {
    ...node,
    health,
    healthAt: now,
    bootstrapped: node.bootstrapped || health.operationMode === 'NORMAL',
    hostId: health.hostId,
  };
}

/** True when the node's Cassandra is to be stopped: the operator said so and the task still lives. */
export function mustStop(node: ClusterNode): boolean {
  return node.targetRunState !== 'RUN' && node.serverTaskId !== null && node.serverState !== 'NONE';
}
