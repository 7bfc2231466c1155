import type { Limits } from '../../src/jobs/limits.ts';
import { planJob } from '../../src/jobs/plan.ts';
import type { ClusterJob, JobParameters } from '../../src/model/cluster-job.ts';
import { isBackupJob, type JobType, type PhaseName } from '../../src/model/phase.ts';
import { executorIdOf, newNode, type ClusterNode, type NodeHealth } from '../../src/model/node.ts';
import {
  emptyReport,
  type CheckReport,
  type InspectionReport,
  type JobError,
  type KeyspaceReport,
  type ManifestReport,
  type StepReport,
} from '../../src/model/step.ts';

export const CLUSTER = 'test';
export const START = 1_700_000_000_000;

export const LIMITS: Limits = {
  nodeReadyMs: 60_000,
  silenceMs: 30_000,
  killMs: 10_000,
  retries: 3,
  backoffMs: 1_000,
  backoffMaxMs: 3_000,
  cleanupMs: 5_000,
};

export function id(number: number): string {
  return executorIdOf(CLUSTER, number);
}

/** A node that is up and NORMAL. */
export function node(number: number, change: Partial<ClusterNode> = {}): ClusterNode {
  return {
    ...newNode(CLUSTER, number, number === 0),
    agentId: `agent-${number}`,
    hostname: `host${number}`,
    ip: `127.0.0.${number + 1}`,
    ports: { storage: 7000, native: 9042, jmx: 7199, jolokia: 8778 },
    executorInfo: null,
    serverTaskId: `${id(number)}.server`,
    serverState: 'RUNNING',
    launches: 1,
    launchNotBefore: null,
    lastError: null,
    health: health(number),
    healthAt: START,
    bootstrapped: true,
    ...change,
  };
}

export function health(number: number, change: Partial<NodeHealth> = {}): NodeHealth {
  return {
    operationMode: 'NORMAL',
    hostId: `host-id-${number}`,
    version: '5.0.5',
    clusterName: CLUSTER,
    datacenter: 'dc1',
    rack: 'rack1',
    partitioner: 'Murmur3Partitioner',
    schemaVersion: 's1',
    tokens: [String(number * 100)],
    // A ring of ten at most.
    liveNodes: Array.from({ length: 10 }, (_, other) => `127.0.0.${other + 1}`),
    unreachableNodes: [],
    movingNodes: [],
    uptimeMillis: 1,
    nativeTransportRunning: true,
    ...change,
  };
}

export function nodes(count: number): ClusterNode[] {
  return Array.from({ length: count }, (_, number) => node(number));
}

export function down(number: number): ClusterNode {
  return node(number, { serverState: 'NONE', lastError: 'exit code 137' });
}

export const PARAMETERS: JobParameters = {
  keyspaces: null,
  tables: null,
  nodes: null,
  strategy: 'serial',
  concurrency: 1,
  snapshot: 'each',
};

/** A job as it is made. */
export function plannedWhole(
  type: JobType,
  cluster: ClusterNode[],
  parameters: Partial<JobParameters> = {},
): ClusterJob {
  const request = {
    uuid: 'job-uuid',
    backupName: isBackupJob(type) ? 'b1' : null,
    location: isBackupJob(type) ? 'file:///backup' : null,
    parameters: { ...PARAMETERS, ...parameters },
  };
  return { id: 7, ...planJob(type, request, cluster, START) };
}

/** The same without its preflight: what follows from that has tests of its own, and all else begins behind it. */
export function planned(type: JobType, cluster: ClusterNode[], parameters: Partial<JobParameters> = {}): ClusterJob {
  const job = plannedWhole(type, cluster, parameters);
  return { ...job, phases: job.phases.filter(({ name }) => name !== 'preflight') };
}

export function keyspace(change: Partial<KeyspaceReport> = {}): KeyspaceReport {
  return {
    status: 'SUCCESS',
    durationMillis: 5,
    bytes: 100,
    error: null,
    tables: { t1: { files: 1, bytes: 100, error: null, safetySnapshot: null } },
    ...change,
  };
}

export function failedKeyspace(error: string): KeyspaceReport {
  return keyspace({
    status: 'FAILURE',
    error,
    tables: { t1: { files: 0, bytes: 0, error, safetySnapshot: null } },
  });
}

export function report(change: Partial<StepReport> = {}): StepReport {
  return {
    ...emptyReport(),
    keyspaces: { ks1: keyspace() },
    bytesTotal: 100,
    bytesDone: 100,
    filesTotal: 1,
    filesDone: 1,
    ...change,
  };
}

export function manifest(executorId: string): ManifestReport {
  return {
    sha256: `sha-of-${executorId}`,
    hostId: `host-id-of-${executorId}`,
    tokens: ['0'],
    hostname: 'host',
    ip: '127.0.0.1',
    schemaVersion: 's1',
    files: 1,
    bytes: 100,
  };
}

export function check(executorId: string, all: string[], change: Partial<CheckReport> = {}): CheckReport {
  return {
    recordSha256: 'record',
    backupNodes: all,
    sourceExecutorId: executorId,
    tables: ['ks1.t1'],
    backupFinished: START - 1_000,
    schemaVersions: ['s1'],
    unreachableNodes: [],
    bytesNeeded: 100,
    bytesFree: 1_000,
    ...change,
  };
}

export function error(code: string, message: string, where: Partial<JobError> = {}): JobError {
  return { executorId: null, keyspace: null, table: null, ...where, code, message };
}

const NOTHING_TOLD = new Set<PhaseName>(['preflight', 'confirm', 'commit', 'cleanup']);

/** What an executor reports of a phase in which all went well. */
export function goodReport(job: ClusterJob, name: PhaseName, executorId: string): StepReport {
  const all = [...new Set(job.phases.flatMap(({ steps }) => steps.map((step) => step.executorId)))];
  if (name === 'backup') return report({ manifest: manifest(executorId) });
  if (name === 'check') return { ...emptyReport(), check: check(executorId, all) };
  if (NOTHING_TOLD.has(name)) return emptyReport();
  if (name === 'inspect') return report({ inspection: inspection() });
  if (name === 'delete') return { ...emptyReport(), deletion: { found: true, whole: true, files: 4, kept: 0 } };
  if (name === 'prune')
    return { ...emptyReport(), prune: { whole: true, deleted: ['b1'], kept: [], files: 4, filesKept: 0 } };
  if (name === 'sweep') return { ...emptyReport(), sweep: { files: 1, bytes: 1, backups: [], found: [] } };
  if (name === 'rename') return { ...emptyReport(), rename: { backups: ['b1'], files: 4, bytes: 100 } };
  return report();
}

export function inspection(change: Partial<InspectionReport> = {}): InspectionReport {
  const nothing = { damagedFiles: 0, damaged: [], extraFiles: 0, extra: [] };
  return { recordSha256: 'a'.repeat(64), files: 4, ...nothing, ...change };
}
