import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option, InvalidArgumentError, type Command } from 'commander';
import { OperatorError, wrapError } from './errors.ts';
import type { SchedulerSettings } from './scheduler/settings.ts';

/** Root of the package: the same depth from src/ and dist/. */
const PACKAGE_ROOT = fileURLToPath(new URL('../', import.meta.url));
const CASSANDRA_VERSION = '5.0.5';
const CASSANDRA_HOME = join(PACKAGE_ROOT, '.cache', 'cassandra', CASSANDRA_VERSION);
export const JOLOKIA_JAR = join(PACKAGE_ROOT, '.cache', 'jolokia', 'jolokia-agent-jvm-2.2.9-javaagent.jar');

/** Options of `cassandra-mesos scheduler`, as commander hands them over. */
export interface SchedulerOptions {
  master: string;
  host: string;
  port: number;
  insecure: boolean;
  stateDirectory: string;
  user: string;
  clusterName: string;
  nodeCount: number;
  seedCount?: number;
  backupDirectory: string;
  dataDirectory?: string;
  cpus: number;
  mem: number;
  disk: number;
  heap: number;
  storagePort: number;
  nativePort: number;
  jmxPort: number;
  datacenter: string;
  rack: string;
  numTokens: number;
  cassandra: string;
  jolokiaJar: string;
  jvmOptions?: string;
  healthInterval: number;
  failoverTimeout: number;
  supervised: boolean;
  logLevel: string;
}

function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`Expected a whole number of at least ${minimum}.`);
  };
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** A cluster's name is part of folder names and of Mesos' ids. */
function clusterName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 of A-Z a-z 0-9 _ -, beginning with a letter or digit.');
}

const option = (flags: string, env: string, text: string): Option => new Option(flags, text).env(env);

/** Defaults for nodes that have a host of their own. */
export const CLUSTER_DEFAULTS = { heap: 0, healthInterval: 10, jvmOptions: '' };

/**
 * Defaults for several small nodes on one machine: 512 MiB of heap, and a ring that forms in seconds instead of
 * minutes (a ring delay below 2 s makes the second node fail with "Unable to contact any seeds").
 */
export const LOCAL_DEFAULTS = {
  heap: 512,
  healthInterval: 1,
  jvmOptions:
    '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss256k -Dcassandra.ring_delay_ms=2000 -Dcassandra.skip_wait_for_gossip_to_settle=0',
};

/** What `scheduler` and `local` both take: the cluster and its nodes. Units: MiB, seconds. */
export function clusterOptions(defaults: { heap: number; healthInterval: number; jvmOptions: string }): Option[] {
  const count = wholeNumber(1);
  return [
    option('--port <port>', 'PORT0', 'port of the REST API').argParser(wholeNumber(0)).default(18080),
    option('--host <address>', 'HOST', 'address of the REST API').default('127.0.0.1'),
    option('--insecure', 'CASSANDRA_MESOS_INSECURE', 'no token although not bound to loopback').default(false),
    option('--cluster-name <name>', 'CASSANDRA_CLUSTER_NAME', "Cassandra's cluster name")
      .argParser(clusterName)
      .default('cassandra'),
    option(
      '--seed-count <n>',
      'CASSANDRA_SEED_COUNT',
      'how many nodes are seeds; default: 2, or all of fewer',
    ).argParser(count),
    option('--backup-directory <dir>', 'CASSANDRA_BACKUP_DIRECTORY', 'where backups lie, as the nodes see it'),
    option('--heap <MiB>', 'CASSANDRA_RESOURCE_HEAP_MB', "Cassandra's heap; 0: half of --mem")
      .argParser(wholeNumber(0))
      .default(defaults.heap),
    option('--storage-port <port>', 'CASSANDRA_STORAGE_PORT', 'between nodes').argParser(count).default(7000),
    option('--native-port <port>', 'CASSANDRA_NATIVE_PORT', 'CQL').argParser(count).default(9042),
    option('--jmx-port <port>', 'CASSANDRA_JMX_PORT', 'JMX, on loopback').argParser(count).default(7199),
    option('--datacenter <name>', 'CASSANDRA_DEFAULT_DC', 'datacenter of the nodes').default('DC1'),
    option('--rack <name>', 'CASSANDRA_DEFAULT_RACK', 'rack of the nodes').default('RAC1'),
    option('--num-tokens <n>', 'CASSANDRA_NUM_TOKENS', 'tokens of a node').argParser(count).default(16),
    option('--cassandra <URI>', 'CASSANDRA_URI', 'a distribution (tarball) or a directory with its lib/').default(
      CASSANDRA_HOME,
    ),
    option('--jvm-options <options>', 'CASSANDRA_JVM_OPTIONS', 'added to the JVM, separated by spaces').default(
      defaults.jvmOptions,
    ),
    option('--health-interval <seconds>', 'CASSANDRA_HEALTH_CHECK_INTERVAL_SECONDS', 'how often a node tells how it is')
      .argParser(positiveNumber)
      .default(defaults.healthInterval),
    option('--log-level <level>', 'LOG_LEVEL', 'what is logged on stderr')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info'),
  ];
}

/** Options of `cassandra-mesos local`. */
export interface LocalOptions extends Omit<
  SchedulerOptions,
  | 'supervised'
  | 'failoverTimeout'
  | 'jolokiaJar'
  | 'master'
  | 'stateDirectory'
  | 'user'
  | 'nodeCount'
  | 'dataDirectory'
  | 'cpus'
  | 'mem'
  | 'disk'
  | 'backupDirectory'
> {
  nodes: number;
  data: string;
  address: string;
  dataDirectory?: string;
  backupDirectory?: string;
}

/** What only a ring on this machine takes. */
export function localOptions(): Option[] {
  return [
    option('--nodes <n>', 'CASSANDRA_NODE_COUNT', 'how many nodes').argParser(wholeNumber(1)).default(3),
    option('--data <dir>', 'CASSANDRA_LOCAL_DATA', 'directory of everything that the ring keeps').default('local'),
    new Option('--data-directory <dirs>', 'data of the nodes, several (JBOD) by commas; default: in --data'),
    new Option('--address <ip>', "the first node's loopback address; the others follow").default('127.0.0.1'),
  ];
}

/** What only a scheduler on a Mesos of its own takes. */
export function schedulerOptions(): Option[] {
  const count = wholeNumber(1);
  return [
    option('--master <masters>', 'MESOS_MASTER', 'host:port or URL, several separated by commas').makeOptionMandatory(),
    option('--state-directory <dir>', 'CASSANDRA_STATE_DIRECTORY', "where the scheduler's SQLite lies").default(
      'state',
    ),
    option('--user <user>', 'MESOS_USER', 'user of the tasks; empty: the one that runs the scheduler').default(''),
    option('--node-count <n>', 'CASSANDRA_NODE_COUNT', 'how many nodes').argParser(count).default(3),
    option('--data-directory <dirs>', 'CASSANDRA_DATA_DIRECTORY', 'host path of the data, several (JBOD) by commas'),
    option('--cpus <n>', 'CASSANDRA_RESOURCE_CPU_CORES', 'CPUs of a node').argParser(positiveNumber).default(2),
    option('--mem <MiB>', 'CASSANDRA_RESOURCE_MEM_MB', 'memory of a node').argParser(count).default(2048),
    option('--disk <MiB>', 'CASSANDRA_RESOURCE_DISK_MB', 'disk of a node').argParser(count).default(2048),
    option(
      '--failover-timeout <seconds>',
      'CASSANDRA_FAILOVER_TIMEOUT_SECONDS',
      'how long Mesos keeps the tasks of a lost scheduler',
    )
      .argParser(positiveNumber)
      .default(604_800),
    new Option('--supervised', 'end when stdin closes').default(false).hideHelp(),
    option('--jolokia-jar <path>', 'JOLOKIA_JAR', "Jolokia's JVM agent on the agents").default(JOLOKIA_JAR),
  ];
}

export function addOptions(command: Command, options: Option[]): Command {
  for (const each of options) command.addOption(each);
  return command;
}

/**
 * The API's bearer token: CASSANDRA_MESOS_TOKEN, or the content of the file CASSANDRA_MESOS_TOKEN_FILE. There is no option
 * for it, because command lines are public. Null when there is none; throws BAD_REQUEST when the file cannot be read.
 */
export function apiToken(env: NodeJS.ProcessEnv): string | null {
  const file = env['CASSANDRA_MESOS_TOKEN_FILE'];
  if (!file) return env['CASSANDRA_MESOS_TOKEN'] || null;
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    throw wrapError('read the token of CASSANDRA_MESOS_TOKEN_FILE', error, 'BAD_REQUEST');
  }
}

/** Default of the forerunner: a directory of the task's sandbox, which Mesos removes some day. */
export const SANDBOX_BACKUP_DIRECTORY = 'backup';

/** The location of `--backup-directory` as jobs name it: a `file://` URL, or relative to the sandbox. */
export function backupLocation(directory: string): string {
  if (directory.includes('://')) return directory;
  return directory.startsWith('/') ? `file://${resolve(directory)}` : directory;
}

const isArchive = (uri: string): boolean => /\.(tar\.gz|tgz|tar|zip)$/.test(uri);

/** Options to settings; refuses what contradicts itself. */
export function schedulerSettings(options: SchedulerOptions, executorCommand: string): SchedulerSettings {
  const seedCount = options.seedCount ?? Math.min(2, options.nodeCount);
  if (seedCount > options.nodeCount) {
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected at most as many seeds as nodes, got --seed-count ${seedCount} and --node-count ${options.nodeCount}`,
      { hint: 'Lower --seed-count.' },
    );
  }
  const { cassandra } = options;
  const fetched = isArchive(cassandra) || /^(https?|ftp|hdfs|s3):/.test(cassandra);
  return {
    clusterName: options.clusterName,
    nodeCount: options.nodeCount,
    seedCount,
    server: { cpus: options.cpus, memMb: options.mem, diskMb: options.disk },
    executor: { cpus: 0.1, memMb: 256 },
    step: { cpus: 0.1, memMb: 64 },
    heapMb: options.heap || Math.min(Math.floor(options.mem / 2), 16_384),
    ports: { storage: options.storagePort, native: options.nativePort, jmx: options.jmxPort },
    datacenter: options.datacenter,
    rack: options.rack,
    numTokens: options.numTokens,
    dataDirectories: options.dataDirectory?.split(',').filter(Boolean) ?? [],
    cassandraHome: fetched ? '.' : cassandra,
    role: '*',
    principal: null,
    volumes: null,
    constraints: [],
    javaHome: null,
    executorUris: fetched
      ? [{ value: cassandra, extract: true, executable: false, cache: true, outputFile: null }]
      : [],
    jolokiaJar: options.jolokiaJar,
    jvmOptions: options.jvmOptions?.split(/\s+/).filter(Boolean) ?? [],
    cassandraYaml: {},
    executorCommand,
    executorEnvironment: { LOG_LEVEL: options.logLevel },
    healthIntervalMs: options.healthInterval * 1000,
    startTimeoutMs: 600_000,
    shutdownGraceMs: 60_000,
  };
}

/** What happens when the operator should know, at start and in `/config`. */
export function warnings(options: SchedulerOptions): string[] {
  return [
    ...(options.backupDirectory.startsWith('/') || options.backupDirectory.includes('://')
      ? []
      : [
          `CASSANDRA_BACKUP_DIRECTORY is "${options.backupDirectory}", a directory of the task's sandbox. Mesos may remove a sandbox when its executor ends, and the backups with it. Set it to an absolute path that all nodes share.`,
        ]),
    ...(options.dataDirectory
      ? []
      : ["CASSANDRA_DATA_DIRECTORY is not set: data lie in the task's sandbox and are lost when its executor ends."]),
  ];
}
