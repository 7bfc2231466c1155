import type { Clock } from '../../src/clock.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import type { Offer } from '../../src/mesos/types.ts';
import { newNode, type ClusterNode, type NodeHealth } from '../../src/model/node.ts';
import { SealingKey } from '../../src/sealed.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import type { State } from '../../src/state/database.ts';

export const settings: SchedulerSettings = {
  clusterName: 'dev',
  nodeCount: 3,
  seedCount: 2,
  server: { cpus: 1, memMb: 1024, diskMb: 1000 },
  executor: { cpus: 0.1, memMb: 256, diskMb: 200 },
  step: { cpus: 0.1, memMb: 64 },
  heapMb: 512,
  ports: { storage: 7000, native: 9042, jmx: 7199 },
  datacenter: 'DC1',
  rack: 'RAC1',
  numTokens: 16,
  dataDirectories: ['/data'],
  cassandraHome: '/cassandra',
  role: '*',
  principal: null,
  volumes: null,
  constraints: [],
  javaHome: null,
  jolokiaJar: '/jolokia.jar',
  jvmOptions: [],
  cassandraYaml: {},
  executorCommand: 'exec executor',
  executorEnvironment: {},
  executorUris: [],
  healthIntervalMs: 1000,
  startTimeoutMs: 60_000,
  shutdownGraceMs: 60_000,
};

const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } });

export function anOffer(
  hostname: string,
  changes: { cpus?: number; ports?: [number, number][]; executors?: string[] } = {},
): Offer {
  const range = (
    changes.ports ?? [
      [7000, 7000],
      [9042, 9042],
      [31000, 31010],
    ]
  ).map(([begin, end]) => ({ begin, end }));
  return {
    id: { value: `offer-${hostname}` },
    frameworkId: { value: 'fw' },
    agentId: { value: `agent-${hostname}` },
    hostname,
    url: { scheme: 'http', address: { ip: hostname, port: 5051 } },
    resources: [
      scalar('cpus', changes.cpus ?? 4),
      scalar('mem', 4000),
      scalar('disk', 10_000),
      { name: 'ports', type: 'RANGES', ranges: { range } },
    ],
    attributes: [],
    executorIds: (changes.executors ?? []).map((value) => ({ value })),
  };
}

/** The same with a role, whose nodes have what they need reserved and their data on volumes. */
export const withRole: SchedulerSettings = {
  ...settings,
  role: 'cassandra',
  principal: 'us',
  dataDirectories: [],
  volumes: { type: 'ROOT', count: 1 },
};

export const normal: NodeHealth = {
  operationMode: 'NORMAL',
  hostId: 'host',
  version: '5.0.5',
  clusterName: 'dev',
  datacenter: 'DC1',
  rack: 'RAC1',
  partitioner: 'Murmur3Partitioner',
  schemaVersion: 'v1',
  tokens: ['1'],
  liveNodes: [],
  unreachableNodes: [],
  movingNodes: [],
  uptimeMillis: 1,
  nativeTransportRunning: true,
};

/** As an executor tells it that can be given credentials. */
export const normalWithKey: NodeHealth = { ...normal, sealingKey: new SealingKey().publicKey };

export function aNode(number: number, changes: Partial<ClusterNode> = {}): ClusterNode {
  return { ...newNode('dev', number, number < 2), ...changes };
}

export function runningNode(number: number, changes: Partial<ClusterNode> = {}): ClusterNode {
  const ip = `127.0.0.${number + 1}`;
  const ports = { storage: 7000, native: 9042, jmx: 31001, jolokia: 31000 };
  return aNode(number, {
    hostname: ip,
    ip,
    agentId: `agent-${ip}`,
    ports,
    serverState: 'RUNNING',
    serverTaskId: `cassandra.dev.node.${number}.executor.server.1`,
    launches: 1,
    health: normal,
    healthAt: 1,
    bootstrapped: true,
    ...changes,
  });
}

/** Jobs of a cluster that has no backup yet. */
export function clusterJobs(state: State, clock: Clock): ClusterJobs {
  return new ClusterJobs({
    state,
    clock,
    cluster: 'dev',
    defaultLocation: 'file:///backup',
    wake: () => undefined,
    findBackup: () => Promise.resolve({ state: 'ABSENT', message: null }),
  });
}
