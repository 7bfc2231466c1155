import type { ApiDeps } from '../deps.ts';
import { findNode } from '../find-node.ts';
import { nodeJson } from '../node-json.ts';
import { jsonRoute, type Route } from '../route.ts';

/** The nodes, and what an operator wants of one. The scheduler does it; the answer only says that it will. */
export function nodeRoutes(deps: ApiDeps): Route[] {
  const order = (action: 'stop' | 'start' | 'restart') =>
    jsonRoute('POST', `/node/:node/${action}`, {}, ({ path }) => {
      const wanted = findNode(deps.nodes.all(), path['node'] ?? '');
      const { ip, hostname, executorId, targetRunState } = deps.ring.order(wanted.executorId, action);
      return { ip, hostname, executorId, targetRunState };
    });
  return [
    jsonRoute('GET', '/node/all', {}, () => {
      const nodes = deps.nodes.all();
      const acquired = nodes.filter((node) => node.agentId !== null).length;
      return {
        replaceNodes: [],
        nodesToAcquire: Math.max(0, deps.cluster.targetNodes() - acquired),
        nodes: nodes.map(nodeJson),
      };
    }),
    jsonRoute('GET', '/node/seed/all', {}, () => {
      const seeds = deps.nodes.all().filter((node) => node.seed && node.ip !== null);
      const ports = seeds[0]?.ports ?? null;
      return {
        nativePort: ports?.native ?? null,
        jmxPort: ports?.jmx ?? null,
        seeds: seeds.map((node) => node.ip),
      };
    }),
    order('stop'),
    order('start'),
    order('restart'),
  ];
}
