import { isMember, type ClusterNode } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { isLive } from '../health.ts';
import { sendJson } from '../json.ts';
import { readParams } from '../params.ts';
import type { Route } from '../route.ts';

/** Where JMX listens, on every node; see cassandra/jvm.ts. */
const JMX_IP = '127.0.0.1';
/** In the executor's sandbox: Mesos' own two, Cassandra's log, and what its JVM said outside of it. */
const LOG_FILES = ['stdout', 'stderr', 'logs/system.log', 'logs/output.log'];

/**
 * Where to look for what a node did: the forerunner's fields. Left out: address of the agent and path of the
 * sandbox, which the scheduler does not know.
 */
export function reportRoutes(deps: ApiDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/qa/report/resources',
      contentType: 'application/json',
      otherTypes: ['text/plain'],
      params: [],
      handle(ctx) {
        readParams(ctx, {});
        const nodes = deps.nodes.all().filter((node) => isMember(node) && node.agentId !== null);
        if (ctx.accepts('application/json', 'text/plain') === 'text/plain') {
          ctx.type = 'text/plain';
          ctx.body = nodes.flatMap(linesOf).join('');
        } else {
          const entries = nodes.map((node) => [node.executorId, entryOf(node, deps.clock.now())]);
          sendJson(ctx, { nodes: Object.fromEntries(entries) });
        }
        return Promise.resolve();
      },
    },
  ];
}

function entryOf(node: ClusterNode, now: number): Record<string, unknown> {
  const { agentId, ip, hostname, targetRunState, ports } = node;
  return {
    agentId,
    ip,
    hostname,
    targetRunState,
    jmxIp: JMX_IP,
    jmxPort: ports?.jmx ?? null,
    live: isLive(node, now),
    logfiles: LOG_FILES,
  };
}

function linesOf({ ip, ports }: ClusterNode): string[] {
  return [
    ...(ports === null ? [] : [`JMX_PORT: ${ports.jmx}\n`]),
    `JMX_IP: ${JMX_IP}\n`,
    ...(ip === null ? [] : [`NODE_IP: ${ip}\n`]),
    ...LOG_FILES.map((file) => `LOG: ${file}\n`),
  ];
}
