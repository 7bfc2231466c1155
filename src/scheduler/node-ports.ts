import type { ClusterNode, NodePorts } from '../model/node.ts';
import type { Supply } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

const PURPOSES = {
  storage: { purpose: 'between nodes', option: '--storage-port' },
  native: { purpose: 'CQL', option: '--native-port' },
} as const;

/**
 * Cassandra's ports are the same on all nodes; JMX and Jolokia (loopback) take any when theirs is not offered, those of
 * the last launch if they can. A text says which port is missing and what to do.
 */
export function choosePorts(supply: Supply, node: ClusterNode, settings: SchedulerSettings): NodePorts | string {
  const { storage, native, jmx } = settings.ports;
  const missing = (['storage', 'native'] as const).filter((name) => !supply.hasPort(settings.ports[name]));
  if (missing.length > 0) return missing.map((name) => missingPort(name, settings.ports[name])).join('; ');
  const taken = new Set([storage, native, jmx]);
  const before = [node.ports?.jolokia, node.ports?.jmx].filter(
    (port): port is number => port !== undefined && !taken.has(port) && supply.hasPort(port),
  );
  const [jolokia, otherJmx] = [...before, ...supply.freePorts(2, new Set([...taken, ...before]))];
  const jmxPort = supply.hasPort(jmx) ? jmx : otherJmx;
  if (jolokia === undefined || jmxPort === undefined) {
    return 'no free port is offered for JMX and Jolokia: give the agent more of them, --resources=ports:[…]';
  }
  return { storage, native, jmx: jmxPort, jolokia };
}

function missingPort(name: keyof typeof PURPOSES, port: number): string {
  const { purpose, option } = PURPOSES[name];
  return `port ${port} (${name}, ${purpose}) is not offered: choose another one by ${option}, or start the agent with --resources=ports:[${port}-${port}, …]`;
}
