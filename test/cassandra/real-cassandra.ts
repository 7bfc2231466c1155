import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { ProcessDependencies } from '../../src/cassandra/process.ts';
import { systemClock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import type { ServerRequest } from '../../src/model/step.ts';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
export const CASSANDRA_HOME = join(CACHE, 'cassandra/5.0.5');
export const JOLOKIA_JAR = join(CACHE, 'jolokia/jolokia-agent-jvm-2.2.9-javaagent.jar');

export const JAVA = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin/java') : 'java';

export async function makeDirectory(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'cassandra-mesos-'));
}

/** A directory of the test's own, gone when it has ended. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await makeDirectory();
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A request for a small node of its own ring at `address`, with two data directories below `directory`. */
export async function smallNode(directory: string, address: string): Promise<ServerRequest> {
  if (!existsSync(CASSANDRA_HOME) || !existsSync(JOLOKIA_JAR)) {
    throw new Error(`expected Cassandra in ${CASSANDRA_HOME}: run scripts/setup first`);
  }
  const [storage = 0, native = 0] = await freePorts(address, 2);
  const [jmx = 0, jolokia = 0] = await freePorts('127.0.0.1', 2);
  return {
    clusterName: 'test-cluster',
    executorId: 'cassandra.test-cluster.node.0.executor',
    address,
    ports: { storage, native, jmx, jolokia },
    seeds: [`${address}:${storage}`],
    datacenter: 'dc-test',
    rack: 'rack-test',
    numTokens: 4,
    dataDirectories: [join(directory, 'disk-0'), join(directory, 'disk-1')],
    cassandraHome: CASSANDRA_HOME,
    jolokiaJar: JOLOKIA_JAR,
    heapMb: 512,
    jvmOptions: ['-Dcassandra.ring_delay_ms=2000', '-Dcassandra.skip_wait_for_gossip_to_settle=0'],
    cassandraYaml: { user_defined_functions_enabled: true },
    replaces: null,
    javaHome: null,
    healthIntervalMs: 1000,
    startTimeoutMs: 100_000,
  };
}

export function dependencies(directory: string): ProcessDependencies {
  const log = createLogger('test', 'silent');
  return { clock: systemClock, log, java: JAVA, workDirectory: join(directory, 'sandbox') };
}

/** Ports that were free a moment ago, held all at once so that they differ. */
async function freePorts(host: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
