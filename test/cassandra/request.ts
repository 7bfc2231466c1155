import type { ServerRequest } from '../../src/model/step.ts';

/** A request as the scheduler would make it; nothing of it needs to exist. */
export function request(overrides: Partial<ServerRequest> = {}): ServerRequest {
  return {
    clusterName: 'c',
    executorId: 'cassandra.c.node.0.executor',
    address: '10.0.0.1',
    ports: { storage: 7000, native: 9042, jmx: 7199, jolokia: 8778 },
    seeds: ['10.0.0.1:7000'],
    datacenter: 'dc1',
    rack: 'r1',
    numTokens: 16,
    dataDirectories: ['/disk-0', '/disk-1'],
    cassandraHome: '/opt/cassandra',
    jolokiaJar: '/opt/jolokia.jar',
    heapMb: 512,
    jvmOptions: [],
    cassandraYaml: {},
    replaces: null,
    javaHome: null,
    healthIntervalMs: 1000,
    startTimeoutMs: 60_000,
    ...overrides,
  };
}
