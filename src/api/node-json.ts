import { isNodeReady, type ClusterNode, type NodeHealth } from '../model/node.ts';
import type { PendingChanges } from './pending-changes.ts';

/**
 * A node as `/node/all` shows it: the forerunner's fields, as far as they can be said honestly, then ours.
 * Left out on purpose: Thrift, gossip flags, process id and sandbox, which the scheduler does not know.
 */
export function nodeJson(node: ClusterNode, pending: PendingChanges = {}): Record<string, unknown> {
  const { health } = node;
  return {
    executorId: node.executorId,
    ip: node.ip,
    hostname: node.hostname,
    targetRunState: node.targetRunState,
    jmxPort: node.ports?.jmx ?? null,
    seedNode: node.seed,
    rackDc: rackDc(node),
    tasks: node.serverTaskId === null ? {} : { SERVER: { taskId: node.serverTaskId } },
    lastHealthCheck: node.healthAt,
    healthCheckDetails: health === null ? null : healthJson(node, health),
    serverState: node.serverState,
    agentId: node.agentId,
    nativePort: node.ports?.native ?? null,
    storagePort: node.ports?.storage ?? null,
    launches: node.launches,
    bootstrapped: node.bootstrapped,
    lastError: node.lastError,
    replaces: node.replaces,
    reservation: node.reservation === null ? null : { made: node.reservation.made },
    volumes: node.reservation?.volumes ?? [],
    pendingChanges: pending,
  };
}

/** As Cassandra says; before its first word, as it was or is to be started. */
function rackDc({ health, rack, datacenter }: ClusterNode): { rack: string; dc: string } | null {
  if (health !== null) return { rack: health.rack, dc: health.datacenter };
  return rack === null || datacenter === null ? null : { rack, dc: datacenter };
}

function healthJson(node: ClusterNode, health: NodeHealth): Record<string, unknown> {
  return {
    healthy: isNodeReady(node),
    msg: node.lastError ?? '',
    version: health.version,
    operationMode: health.operationMode,
    clusterName: health.clusterName,
    dataCenter: health.datacenter,
    rack: health.rack,
    endpoint: node.ip,
    hostId: health.hostId,
    nativeTransportRunning: health.nativeTransportRunning,
    tokenCount: health.tokens.length,
    uptimeMillis: health.uptimeMillis,
    schemaVersion: health.schemaVersion,
    partitioner: health.partitioner,
    liveNodes: health.liveNodes,
    unreachableNodes: health.unreachableNodes,
    movingNodes: health.movingNodes,
  };
}
