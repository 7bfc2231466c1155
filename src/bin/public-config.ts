import { isMember, type ClusterNode } from '../model/node.ts';
import type { SchedulerOptions } from '../config/options.ts';
import { backupLocation, warnings } from '../config/settings.ts';
import { configDifference } from '../scheduler/launch-settings.ts';
import type { SchedulerSettings } from '../scheduler/settings.ts';

/** What `/config` shows: the effective configuration without anything secret. */
export function publicConfig(
  options: SchedulerOptions,
  settings: SchedulerSettings,
  nodes: ClusterNode[],
): Record<string, unknown> {
  const { server, heapMb, rack, datacenter, ports, role, volumes, constraints } = settings;
  return {
    defaultConfigRole: {
      diskMb: server.diskMb,
      cpuCores: server.cpus,
      memJavaHeapMb: heapMb,
      memAssumeOffHeapMb: server.memMb - heapMb,
      memMb: server.memMb,
      rackDc: { rack, dc: datacenter },
    },
    nativePort: ports.native,
    storagePort: ports.storage,
    healthCheckIntervalSeconds: settings.healthIntervalMs / 1000,
    backupDirectory: backupLocation(options.backupDirectory),
    dataDirectories: settings.dataDirectories,
    role,
    volumes,
    constraints,
    pendingChanges: pendingChanges(settings, nodes),
    warnings: warnings(options),
  };
}

/** Per node what it runs with that is not as it is set now: applied by its next restart. */
function pendingChanges(settings: SchedulerSettings, nodes: ClusterNode[]): Record<string, unknown> {
  const changes = nodes
    .filter(isMember)
    .map((node) => [node.executorId, configDifference(node, settings)] as const)
    .filter(([, difference]) => Object.keys(difference).length > 0);
  return Object.fromEntries(changes);
}
