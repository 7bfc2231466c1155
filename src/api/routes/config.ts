import type { ApiDeps } from '../deps.ts';
import { jsonRoute, type Route } from '../route.ts';

/** What the scheduler has, beside what it was told: the forerunner's fields, then those of the configuration. */
export function configRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/config', {}, () => {
      const { name, frameworkName, targetNodes, seedCount } = deps.cluster;
      const acquired = deps.nodes.all().filter((node) => node.agentId !== null);
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
        ...deps.config(),
      };
    }),
  ];
}
