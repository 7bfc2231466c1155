import type { Offer } from '../mesos/types.ts';
import type { ClusterNode, NodePorts } from '../model/node.ts';
import { freePorts, hasPort, portRangesOf, scalarOf } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

/** What the scheduler wants to start now. */
export type Need =
  { kind: 'server'; node: ClusterNode } | { kind: 'step'; node: ClusterNode; phaseIndex: number; stepIndex: number };

export interface Launch {
  need: Need;
  /** For a server: the ports it gets. */
  ports: NodePorts | null;
  /** The executor is to be started with it. */
  newExecutor: boolean;
}

export interface Match {
  launches: Launch[];
  /** Why the rest of the offer was not used; shown to operators. */
  reason: string;
}

interface Rest {
  cpus: number;
  mem: number;
  disk: number;
}

/**
 * Decides what to launch on one offer. One node a host. A node with a place only goes to that host: its data
 * are there. Pure; the caller stores the decision before it sends it.
 */
export function matchOffer(offer: Offer, needs: Need[], nodes: ClusterNode[], settings: SchedulerSettings): Match {
  const here = nodes.find((node) => node.hostname === offer.hostname);
  const rest: Rest = { cpus: scalarOf(offer, 'cpus'), mem: scalarOf(offer, 'mem'), disk: scalarOf(offer, 'disk') };
  const launches: Launch[] = [];
  const reasons: string[] = [];
  let executorRuns = here !== undefined && offer.executorIds.some(({ value }) => value === here.executorId);
  for (const need of needs) {
    if (!belongsHere(need, here, launches)) continue;
    const newExecutor = !executorRuns;
    const ports = need.kind === 'server' ? pickPorts(offer, settings) : null;
    const problem = need.kind === 'step' && newExecutor ? 'its executor does not run here' : null;
    const missing = problem ?? (typeof ports === 'string' ? ports : takeFrom(rest, need, newExecutor, settings));
    if (missing !== null) {
      reasons.push(`${need.node.executorId} (${need.kind}): ${missing}`);
      continue;
    }
    launches.push({ need, ports: typeof ports === 'string' ? null : ports, newExecutor });
    executorRuns = true;
  }
  return { launches, reason: declineReason(needs, here, launches, reasons) };
}

function belongsHere(need: Need, here: ClusterNode | undefined, launches: Launch[]): boolean {
  if (here) return need.node.executorId === here.executorId;
  return need.kind === 'server' && need.node.hostname === null && launches.length === 0;
}

/** Takes the need's share, or says what is missing and takes nothing. */
function takeFrom(rest: Rest, need: Need, newExecutor: boolean, settings: SchedulerSettings): string | null {
  const task =
    need.kind === 'server'
      ? { cpus: settings.server.cpus, mem: settings.server.memMb, disk: settings.server.diskMb }
      : { cpus: settings.step.cpus, mem: settings.step.memMb, disk: 0 };
  const wanted = {
    cpus: task.cpus + (newExecutor ? settings.executor.cpus : 0),
    mem: task.mem + (newExecutor ? settings.executor.memMb : 0),
    disk: task.disk,
  };
  const short = (['cpus', 'mem', 'disk'] as const).filter((name) => rest[name] + 1e-6 < wanted[name]);
  if (short.length > 0) {
    return short.map((name) => `needs ${wanted[name]} ${name}, offered ${rest[name]}`).join('; ');
  }
  rest.cpus -= wanted.cpus;
  rest.mem -= wanted.mem;
  rest.disk -= wanted.disk;
  return null;
}

/** Cassandra's ports are the same on all nodes; JMX and Jolokia (loopback) take any when theirs is not offered. */
function pickPorts(offer: Offer, settings: SchedulerSettings): NodePorts | string {
  const ranges = portRangesOf(offer);
  const { storage, native, jmx } = settings.ports;
  const missing = [storage, native].filter((port) => !hasPort(ranges, port));
  if (missing.length > 0) return `port ${missing.join(' and ')} is not offered`;
  const taken = new Set([storage, native, jmx]);
  const [jolokia, otherJmx] = freePorts(ranges, 2, taken);
  const jmxPort = hasPort(ranges, jmx) ? jmx : otherJmx;
  if (jolokia === undefined || jmxPort === undefined) return 'no free port is offered for JMX and Jolokia';
  return { storage, native, jmx: jmxPort, jolokia };
}

function declineReason(needs: Need[], here: ClusterNode | undefined, launches: Launch[], reasons: string[]): string {
  if (reasons.length > 0) return reasons.join('; ');
  if (launches.length > 0) return 'used';
  if (needs.length === 0) return 'nothing to launch';
  return here ? `nothing to launch for ${here.executorId}, which has this host` : 'all nodes have a host';
}
