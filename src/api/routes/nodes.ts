import { isMember } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { findNode } from '../find-node.ts';
import { nodeJson } from '../node-json.ts';
import { pendingChanges } from '../pending-changes.ts';
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
      const pending = pendingChanges(deps.config());
      const all = deps.nodes.all();
      const members = all.filter(isMember);
      const acquired = members.filter((node) => node.agentId !== null).length;
      return {
        replaceNodes: members.flatMap(({ replaces, bootstrapped }) => (bootstrapped ? [] : (replaces ?? []))),
        nodesToAcquire: Math.max(0, deps.cluster.targetNodes() - acquired),
        nodes: members.map((node) => nodeJson(node, pending[node.executorId])),
        formerNodes: all.filter((node) => !isMember(node)).map((node) => nodeJson(node)),
      };
    }),
    jsonRoute('GET', '/node/seed/all', {}, () => {
      const seeds = deps.nodes.all().filter((node) => isMember(node) && node.seed && node.ip !== null);
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
