import { isTerminal } from '../mesos/task-state.ts';
import type { TaskState } from '../mesos/types.ts';
import { isNodeReady, type ClusterNode, type NodeHealth } from '../model/node.ts';
import { volumesMade } from './reservation.ts';

const FIRST_BACKOFF_MS = 2_000;
const LAST_BACKOFF_MS = 60_000;

export function serverTaskId(node: ClusterNode): string {
  return `${node.executorId}.server.${node.launches}`;
}

/** The executor id in a server's task id, also of an earlier launch; null for tasks of another kind. */
export function executorIdOfServer(taskId: string): string | null {
  return /^(.+)\.server\.\d+$/.exec(taskId)?.[1] ?? null;
}

/**
 * The nodes whose Cassandra may be started now. Seeds come first. A node that never joined waits until all before it
 * are NORMAL, so that only one bootstraps at a time (Cassandra's rule for consistent range movements); one that takes
 * over a dead node's tokens needs only a seed, as Cassandra asks for no more then, and others may be dead as well. A
 * node with data needs only a seed to talk to.
 */
export function launchableNodes(nodes: ClusterNode[], now: number): ClusterNode[] {
  const wanted = nodes.filter((node) => node.targetRunState === 'RUN');
  const seedIsUp = wanted.some((node) => node.seed && isNodeReady(node)) || !wanted.some((node) => node.seed);
  let mayJoin = !nodes.some(isJoining);
  let allBeforeAreReady = true;
  return wanted.filter((node) => {
    const isNext = allBeforeAreReady;
    allBeforeAreReady &&= isNodeReady(node);
    if (node.serverState !== 'NONE' || (node.launchNotBefore ?? 0) > now) return false;
    if (node.bootstrapped) return node.seed || seedIsUp;
    const joins = mayJoin && (node.replaces === null ? isNext : seedIsUp);
    if (joins) mayJoin = false;
    return joins;
  });
}

/** One that left the ring while nobody can see it does not count: it may never be heard of again. */
function isJoining({ bootstrapped, serverState, targetRunState }: ClusterNode): boolean {
  if (bootstrapped || serverState === 'NONE') return false;
  return serverState !== 'UNREACHABLE' || targetRunState !== 'TERMINATE';
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
      // Older than what is known already, or the same.
      return node.serverState === 'RUNNING' || node.serverState === 'KILLING'
        ? seen
        : { ...volumesMade(seen), serverState: 'STARTING' };
    case 'TASK_RUNNING':
      return node.serverState === 'KILLING' ? seen : running(volumesMade(seen));
    case 'TASK_KILLING':
      return { ...seen, serverState: 'KILLING' };
    case 'TASK_UNREACHABLE':
      return { ...seen, serverState: 'UNREACHABLE', lastError: update.message ?? 'its agent is unreachable' };
    default:
      return seen;
  }
}

/** The same node when that was known: every reconciliation tells it again. */
function running(node: ClusterNode): ClusterNode {
  if (node.serverState === 'RUNNING' && node.lastError === null) return node;
  return { ...node, serverState: 'RUNNING', lastError: null };
}

function serverEnded(node: ClusterNode, reason: string, now: number): ClusterNode {
  const wanted = node.targetRunState === 'RUN';
  return {
    ...node,
    serverTaskId: null,
    serverState: 'NONE',
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
