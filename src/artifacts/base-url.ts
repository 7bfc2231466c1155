import { isIPv4, isIPv6 } from 'node:net';

export interface Listening {
  /** As the REST API was told to listen. */
  host: string;
  /** The one that it listens on. */
  port: number;
  /** `--advertise-url`. */
  advertised?: string | undefined;
  /** Of this machine; stands for "all addresses". */
  hostname: string;
}

/** Where agents reach the scheduler, without a final slash. */
export function artifactBase({ host, port, advertised, hostname }: Listening): string {
  if (advertised !== undefined) return advertised.replace(/\/+$/, '');
  const name = host === '0.0.0.0' || host === '::' ? hostname : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}

/**
 * What is wrong when agents are to fetch from the scheduler's own loopback address although the masters are elsewhere;
 * null when nothing is. `master` is the option: masters, or a ZooKeeper URL.
 */
export function unreachableBase(baseUrl: string, master: string): string | null {
  const hosts = master
    .replace(/^\w+:\/\//, '')
    .replace(/\/.*$/, '')
    .split(',')
    .map((each) => URL.parse(each.includes('://') ? each : `http://${each.trim()}`)?.hostname ?? '');
  if (!isLoopback(new URL(baseUrl).hostname) || hosts.every(isLoopback)) return null;
  return `Agents are told to fetch from ${baseUrl}, which is this machine only, but the Mesos master is on ${hosts.join(', ')}. Set HOST (--host) or CASSANDRA_ADVERTISE_URL (--advertise-url) to an address that the agents reach.`;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}
