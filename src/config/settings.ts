import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { OperatorError, wrapError } from '../errors.ts';
import { insecureLocation } from '../model/insecure-location.ts';
import { hasSecret } from '../model/secret-in-location.ts';
import { parseConstraint } from '../scheduler/constraints.ts';
import type { SchedulerSettings } from '../scheduler/settings.ts';
import type { SchedulerOptions } from './options.ts';

/** How agents start an executor, and where it finds what it needs. */
export type ExecutorLaunch = Pick<
  SchedulerSettings,
  'executorCommand' | 'executorUris' | 'executorEnvironment' | 'cassandraHome' | 'jolokiaJar' | 'javaHome'
>;

/** Default of the forerunner: a directory of the task's sandbox, which Mesos removes some day. */
const SANDBOX_BACKUP_DIRECTORY = 'backup';

/** The location of `--backup-directory` as jobs name it: a `file://` URL, or relative to the sandbox. */
export function backupLocation(directory = SANDBOX_BACKUP_DIRECTORY): string {
  // It is logged, stored and shown, so the message does not repeat it.
  if (hasSecret(directory)) {
    throw new OperatorError('BAD_REQUEST', 'Expected --backup-directory without a password or key in it', {
      hint: 'Name where the nodes find them: credentials=file:/path or credentials=env:PREFIX_.',
    });
  }
  if (directory.includes('://')) return directory;
  return directory.startsWith('/') ? `file://${resolve(directory)}` : directory;
}

/** Options to settings; refuses what contradicts itself. */
export function schedulerSettings(options: SchedulerOptions, launch: ExecutorLaunch): SchedulerSettings {
  return {
    clusterName: options.clusterName,
    nodeCount: options.nodeCount,
    seedCount: seedCount(options),
    server: { cpus: options.cpus, memMb: options.mem, diskMb: options.disk },
    executor: { cpus: 0.1, memMb: 256, diskMb: 2048 },
    step: { cpus: 0.1, memMb: 64 },
    heapMb: heap(options),
    ports: { storage: options.storagePort, native: options.nativePort, jmx: options.jmxPort },
    datacenter: options.datacenter,
    rack: options.rack,
    numTokens: options.numTokens,
    dataDirectories: dataDirectories(options),
    role: options.role,
    principal: options.principal ?? null,
    volumes: volumes(options),
    constraints: commaList(options.constraint).map(parseConstraint),
    jvmOptions: options.jvmOptions?.split(/\s+/).filter(Boolean) ?? [],
    cassandraYaml: options.cassandraYaml === undefined ? {} : readYaml(options.cassandraYaml),
    healthIntervalMs: options.healthInterval * 1000,
    startTimeoutMs: options.startTimeout * 1000,
    shutdownGraceMs: 60_000,
    ...launch,
  };
}

/** What happens when the operator should know, at start and in `/config`. */
export function warnings(options: SchedulerOptions): string[] {
  const location = backupLocation(options.backupDirectory);
  const insecure = insecureLocation(location);
  return [
    ...(insecure === null ? [] : [insecure]),
    ...(location.includes('://')
      ? []
      : [
          `CASSANDRA_BACKUP_DIRECTORY is "${location}", a directory of the task's sandbox. Mesos may remove a sandbox when its executor ends, and the backups with it. Set it to a store (s3://…, azure://…, gs://…) or an absolute path that all nodes share.`,
        ]),
    ...(options.dataDirectory?.startsWith('/') || options.role !== '*'
      ? []
      : [
          "CASSANDRA_DATA_DIRECTORY is no absolute path: data lie in the task's sandbox and are lost when its executor ends. Set it, or a role (CASSANDRA_FRAMEWORK_MESOS_ROLE) for persistent volumes.",
        ]),
  ];
}

function seedCount(options: SchedulerOptions): number {
  const seeds = options.seedCount ?? Math.min(2, options.nodeCount);
  if (seeds <= options.nodeCount) return seeds;
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected at most as many seeds as nodes, got --seed-count ${seeds} and --node-count ${options.nodeCount}`,
    { hint: 'Lower --seed-count.' },
  );
}

/** The forerunner's rule for its default: half of the memory, at most 16 GiB. */
function heap({ heap: wanted, mem }: SchedulerOptions): number {
  if (wanted === 0) return Math.min(Math.floor(mem / 2), 16_384);
  if (wanted <= mem) return wanted;
  throw new OperatorError('BAD_REQUEST', `Expected a heap within --mem ${mem} MiB, got --heap ${wanted}`, {
    hint: 'Leave room for what Cassandra keeps off its heap: half of --mem is the default.',
  });
}

function dataDirectories({ dataDirectory, role }: SchedulerOptions): string[] {
  const directories = commaList(dataDirectory);
  if (directories.length === 0 || role === '*') return directories;
  throw new OperatorError('BAD_REQUEST', `Expected --role or --data-directory, got both`, {
    hint: 'With a role data lie on persistent volumes; without one (--role "*") in --data-directory.',
  });
}

function volumes({ role, volumeType, volumes: count }: SchedulerOptions): SchedulerSettings['volumes'] {
  return role === '*' ? null : { type: volumeType.toUpperCase() as 'ROOT' | 'PATH' | 'MOUNT', count };
}

function commaList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
}

/** Set by the scheduler for each node; another value would break it. */
const OURS = new Set([
  'cluster_name',
  'listen_address',
  'broadcast_address',
  'rpc_address',
  'storage_port',
  'native_transport_port',
  'seed_provider',
  'data_file_directories',
  'endpoint_snitch',
]);

function readYaml(file: string): Record<string, unknown> {
  let entries: unknown;
  try {
    entries = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw wrapError(`read --cassandra-yaml ${file}`, error, 'BAD_REQUEST');
  }
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
    throw new OperatorError('BAD_REQUEST', `Expected entries of cassandra.yaml in ${file}, got another YAML value`);
  }
  const taken = Object.keys(entries).filter((name) => OURS.has(name));
  if (taken.length === 0) return entries as Record<string, unknown>;
  throw new OperatorError('BAD_REQUEST', `Expected no ${taken.join(', ')} in ${file}: the scheduler sets it`, {
    hint: 'Take it out; ports, racks and directories have options of their own.',
  });
}
