import { OperatorError } from '../../errors.ts';
import { isMember, type ClusterNode, type NodePorts } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { isLive } from '../health.ts';
import { countParam } from '../params.ts';
import { jsonRoute, textRoute, type Route } from '../route.ts';

interface LiveNode {
  executorId: string;
  hostname: string | null;
  ip: string;
  ports: NodePorts;
}

const LIMIT = { limit: countParam().default(3) };

/** Contact points for clients, also as arguments of Cassandra's own tools. */
export function liveNodeRoutes(deps: ApiDeps): Route[] {
  const live = (limit: number) => liveNodes(deps.nodes.all().filter(isMember), deps.clock.now(), limit);
  return [
    jsonRoute('GET', '/live-nodes', LIMIT, ({ params }) => {
      const { nodes, ports } = live(params.limit);
      return {
        clusterName: deps.cluster.name,
        nativePort: ports.native,
        jmxPort: ports.jmx,
        liveNodes: nodes.map((node) => node.ip),
        nodes: nodes.map(({ executorId, hostname, ip, ports }) => ({
          executorId,
          hostname,
          ip,
          nativePort: ports.native,
          jmxPort: ports.jmx,
        })),
      };
    }),
    textRoute('/live-nodes/text', 'text/plain', LIMIT, ({ params }) => {
      const { nodes, ports } = live(params.limit);
      return [`NATIVE: ${ports.native}`, `JMX: ${ports.jmx}`, ...nodes.map((node) => `IP: ${node.ip}`), ''].join('\n');
    }),
    textRoute('/live-nodes/cqlsh', 'text/x-cassandra-cqlsh', {}, () => {
      const { first } = live(1);
      return `${first.ip} ${first.ports.native}\n`;
    }),
    // JMX listens on loopback only: nodetool has to run on the node's own host.
    textRoute('/live-nodes/nodetool', 'text/x-cassandra-nodetool', {}, () => `-h 127.0.0.1 -p ${live(1).ports.jmx}\n`),
    textRoute('/live-nodes/stress', 'text/x-cassandra-stress', LIMIT, ({ params }) => {
      const { nodes, ports } = live(params.limit);
      const addresses = nodes.map((node) => node.ip).join(',');
      return `-node ${addresses} -port native=${ports.native} jmx=${ports.jmx}\n`;
    }),
  ];
}

/** At most `limit` live nodes in the order of their numbers. Throws NODE_DOWN when none is live. */
function liveNodes(all: ClusterNode[], now: number, limit: number) {
  const nodes = all
    .filter((node) => isLive(node, now))
    .flatMap(({ executorId, hostname, ip, ports }): LiveNode[] =>
      ip !== null && ports !== null ? [{ executorId, hostname, ip, ports }] : [],
    )
    .slice(0, limit);
  const [first] = nodes;
  if (first) return { nodes, first, ports: first.ports };
  throw new OperatorError('NODE_DOWN', `Expected a live Cassandra node, but none of ${all.length} is live`, {
    hint: 'GET /health/cluster says why.',
  });
}
