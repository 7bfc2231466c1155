import { isMember } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { pendingChanges } from '../pending-changes.ts';
import { jsonRoute, type Route } from '../route.ts';

const APPLY = 'POST /cluster/rolling-restart/start applies the pending changes, one node after the other.';

/** What the scheduler has, beside what it was told: the forerunner's fields, then those of the configuration. */
export function configRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/config', {}, () => {
      const { name, frameworkName, targetNodes, seedCount } = deps.cluster;
      const acquired = deps.nodes.all().filter((node) => isMember(node) && node.agentId !== null);
      const config = deps.config();
      const pending = pendingChanges(config);
      const seeds = acquired.filter((node) => node.seed);
      const ports = acquired[0]?.ports ?? null;
      return {
        frameworkName,
        frameworkId: deps.frameworkId(),
        clusterName: name,
        targetNumberOfNodes: targetNodes(),
        targetNumberOfSeeds: seedCount,
        currentNumberOfNodes: acquired.length,
        currentNumberOfSeeds: seeds.length,
        nodesToAcquire: Math.max(0, targetNodes() - acquired.length),
        seedsToAcquire: Math.max(0, seedCount - seeds.length),
        nativePort: ports?.native ?? null,
        storagePort: ports?.storage ?? null,
        jmxPort: ports?.jmx ?? null,
        seeds: seeds.map((node) => node.ip),
        ...config,
        pendingChanges: pending,
        ...(Object.keys(pending).length === 0 ? {} : { hint: APPLY }),
      };
    }),
  ];
}
