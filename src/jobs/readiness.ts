import { isStepActive, type ClusterJob, type Phase } from '../model/cluster-job.ts';
import { isMember, isNodeReady, type ClusterNode } from '../model/node.ts';
import { executorIdsOf } from './steps.ts';

/** The nodes by executor id: rules ask for one after the other, and a ring may have thousands. */
export type Ring = ReadonlyMap<string, ClusterNode>;

/** The state gives out the same array while no node has changed. */
const rings = new WeakMap<readonly ClusterNode[], Ring>();

export function ringOf(nodes: readonly ClusterNode[]): Ring {
  const known = rings.get(nodes);
  if (known) return known;
  const ring: Ring = new Map(nodes.map((node) => [node.executorId, node]));
  rings.set(nodes, ring);
  return ring;
}

/**
 * Nodes that a step of the phase needs beside its own. Truncation goes to every replica, so all of the job's. A restart
 * takes a replica away, so every other member has to be up, but for those that are down because of this phase.
 */
export function othersNeeded(job: ClusterJob, phase: Phase, ring: Ring): string[] {
  if (phase.name !== 'restart') return phase.once ? executorIdsOf(job) : [];
  const ours = new Set(phase.steps.filter(isStepActive).map(({ executorId }) => executorId));
  return [...ring.values()]
    .filter((node) => isMember(node) && !ours.has(node.executorId))
    .map(({ executorId }) => executorId);
}

/** True when the node can do, or stand by, a step of the phase. One that was leaving when a decommission was cut off goes on with it. */
export function isReadyFor(phase: Phase, node: ClusterNode | undefined): node is ClusterNode {
  if (node?.targetRunState !== 'RUN') return false;
  return phase.name === 'decommission' ? node.serverState === 'RUNNING' && node.health !== null : isNodeReady(node);
}
