import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { clusterName, httpUrl, mesosRole, positiveNumber, wholeNumber } from './values.ts';

/** Root of the package: the same depth from src/ and dist/. */
const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CASSANDRA_VERSION = '5.0.5';
const CASSANDRA_HOME = join(PACKAGE_ROOT, '.cache', 'cassandra', CASSANDRA_VERSION);
export const JOLOKIA_JAR = join(PACKAGE_ROOT, '.cache', 'jolokia', 'jolokia-agent-jvm-2.2.9-javaagent.jar');
export const EXECUTOR_BUNDLE = join(PACKAGE_ROOT, 'dist', 'executor.tgz');

/** What `scheduler` and `local` both take, as commander hands it over. Units: MiB, seconds. */
export interface ClusterOptions {
  host: string;
  port: number;
  insecure: boolean;
  clusterName: string;
  seedCount?: number;
  backupDirectory?: string;
  dataDirectory?: string;
  heap: number;
  storagePort: number;
  nativePort: number;
  jmxPort: number;
  datacenter: string;
  rack: string;
  numTokens: number;
  role: string;
  volumes: number;
  cassandra: string;
  cassandraYaml?: string;
  jvmOptions?: string;
  healthInterval: number;
  startTimeout: number;
  logLevel: string;
}

/** Options of `cassandra-mesos scheduler`. */
export interface SchedulerOptions extends ClusterOptions {
  master: string;
  mesosCaFile?: string;
  principal?: string;
  forgetFramework: boolean;
  stateDirectory: string;
  user: string;
  nodeCount: number;
  constraint?: string;
  volumeType: string;
  cpus: number;
  mem: number;
  disk: number;
  jolokiaJar: string;
  failoverTimeout: number;
  advertiseUrl?: string;
  executorUri?: string;
  nodeUri?: string;
  cassandraUri?: string;
  javaHome?: string;
  javaUri?: string;
  executorOnAgents: boolean;
  supervised: boolean;
}

/** Options of `cassandra-mesos local`. */
export interface LocalOptions extends ClusterOptions {
  nodes: number;
  agents?: number;
  data: string;
  address: string;
}

const option = (flags: string, env: string, text: string): Option => new Option(flags, text).env(env);
const count = wholeNumber(1);

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

/** What `scheduler` and `local` both take: the cluster and its nodes. */
export function clusterOptions(defaults: { heap: number; healthInterval: number; jvmOptions: string }): Option[] {
  return [
    option('--port <port>', 'PORT0', 'port of the REST API').argParser(wholeNumber(0)).default(18080),
    option('--host <address>', 'HOST', 'address of the REST API').default('127.0.0.1'),
    option('--insecure', 'CASSANDRA_MESOS_INSECURE', 'no token although not bound to loopback').default(false),
    option('--cluster-name <name>', 'CASSANDRA_CLUSTER_NAME', "Cassandra's cluster name")
      .argParser(clusterName)
      .default('cassandra'),
    option('--seed-count <n>', 'CASSANDRA_SEED_COUNT', 'nodes that are seeds; default: 2, or all of fewer').argParser(
      count,
    ),
    option(
      '--backup-directory <location>',
      'CASSANDRA_BACKUP_DIRECTORY',
      'where backups lie, as the nodes see it: s3://…, azure://…, gs://… or a directory',
    ),
    option('--heap <MiB>', 'CASSANDRA_RESOURCE_HEAP_MB', "Cassandra's heap; 0: half of --mem")
      .argParser(wholeNumber(0))
      .default(defaults.heap),
    option('--storage-port <port>', 'CASSANDRA_STORAGE_PORT', 'between nodes').argParser(count).default(7000),
    option('--native-port <port>', 'CASSANDRA_NATIVE_PORT', 'CQL').argParser(count).default(9042),
    option('--jmx-port <port>', 'CASSANDRA_JMX_PORT', 'JMX, on loopback').argParser(count).default(7199),
    option('--datacenter <name>', 'CASSANDRA_DEFAULT_DC', 'datacenter of nodes whose agent names none').default('DC1'),
    option('--rack <name>', 'CASSANDRA_DEFAULT_RACK', 'rack of nodes whose agent names none').default('RAC1'),
    option('--num-tokens <n>', 'CASSANDRA_NUM_TOKENS', 'tokens of a node').argParser(count).default(16),
    option('--role <role>', 'CASSANDRA_FRAMEWORK_MESOS_ROLE', 'whose resources are reserved for the nodes; *: none')
      .argParser(mesosRole)
      .default('*'),
    option('--volumes <n>', 'CASSANDRA_VOLUMES', 'persistent volumes of a node, with a --role')
      .argParser(count)
      .default(1),
    option('--cassandra <path>', 'CASSANDRA_FILE_PATH', 'a distribution: directory with its lib/, or archive').default(
      CASSANDRA_HOME,
    ),
    option('--cassandra-yaml <file>', 'CASSANDRA_YAML_FILE', 'YAML whose entries override those of cassandra.yaml'),
    option('--jvm-options <options>', 'CASSANDRA_JVM_OPTIONS', 'added to the JVM, separated by spaces').default(
      defaults.jvmOptions,
    ),
    option('--health-interval <seconds>', 'CASSANDRA_HEALTH_CHECK_INTERVAL_SECONDS', 'how often a node tells how it is')
      .argParser(positiveNumber)
      .default(defaults.healthInterval),
    option('--start-timeout <seconds>', 'CASSANDRA_START_TIMEOUT_SECONDS', 'how long a start may take until NORMAL')
      .argParser(positiveNumber)
      .default(600),
    option('--log-level <level>', 'LOG_LEVEL', 'what is logged on stderr')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info'),
  ];
}

/** What only a ring on this machine takes. */
export function localOptions(): Option[] {
  return [
    option('--nodes <n>', 'CASSANDRA_NODE_COUNT', 'how many nodes').argParser(count).default(3),
    new Option('--agents <n>', 'how many hosts there are to be; more than nodes: room to scale out').argParser(count),
    option('--data <dir>', 'CASSANDRA_LOCAL_DATA', 'directory of everything that the ring keeps').default('local'),
    new Option('--data-directory <dirs>', 'data of the nodes, several (JBOD) by commas; default: in --data'),
    new Option('--address <ip>', "the first node's loopback address; the others follow").default('127.0.0.1'),
  ];
}

/** What only a scheduler on a Mesos of its own takes. */
export function schedulerOptions(): Option[] {
  return [...mesosOptions(), ...placementOptions(), ...fetchOptions()];
}

function mesosOptions(): Option[] {
  return [
    option(
      '--master <masters>',
      'MESOS_MASTER',
      'host:port or URL, several by commas, or zk://[user:pass@]host:2181,…/mesos',
    ).makeOptionMandatory(),
    option('--mesos-ca-file <file>', 'MESOS_CA_FILE', 'certificates that masters and agents with https are signed by'),
    option(
      '--principal <name>',
      'MESOS_PRINCIPAL',
      'for authentication; its secret: MESOS_SECRET or MESOS_SECRET_FILE',
    ),
    option(
      '--failover-timeout <seconds>',
      'CASSANDRA_FAILOVER_TIMEOUT_SECONDS',
      'how long Mesos keeps the tasks of a lost scheduler',
    )
      .argParser(positiveNumber)
      .default(604_800),
    new Option('--forget-framework', 'register as a new framework; nodes, places and data stay').default(false),
    option('--state-directory <dir>', 'CASSANDRA_STATE_DIRECTORY', "where the scheduler's SQLite lies").default(
      'state',
    ),
    option('--user <user>', 'MESOS_USER', 'user of the tasks; empty: the one that runs the scheduler').default(''),
    new Option('--supervised', 'end when stdin closes').default(false).hideHelp(),
  ];
}

function placementOptions(): Option[] {
  return [
    option('--node-count <n>', 'CASSANDRA_NODE_COUNT', 'how many nodes').argParser(count).default(3),
    option('--constraint <list>', 'CASSANDRA_CONSTRAINTS', 'Marathon’s: rack:GROUP_BY:3,hostname:UNLIKE:db.*'),
    option('--data-directory <dirs>', 'CASSANDRA_DATA_DIRECTORY', 'host path of the data, several (JBOD) by commas'),
    option('--volume-type <type>', 'CASSANDRA_VOLUME_TYPE', 'persistent volumes of a --role are made on')
      .choices(['root', 'path', 'mount'])
      .default('root'),
    option('--cpus <n>', 'CASSANDRA_RESOURCE_CPU_CORES', 'CPUs of a node').argParser(positiveNumber).default(2),
    option('--mem <MiB>', 'CASSANDRA_RESOURCE_MEM_MB', 'memory of a node').argParser(count).default(2048),
    option('--disk <MiB>', 'CASSANDRA_RESOURCE_DISK_MB', 'disk of a node').argParser(count).default(2048),
  ];
}

function fetchOptions(): Option[] {
  return [
    option(
      '--advertise-url <url>',
      'CASSANDRA_ADVERTISE_URL',
      'where agents reach this scheduler; default: http://HOST:PORT0',
    ).argParser(httpUrl),
    option('--executor-uri <uri>', 'EXECUTOR_URI', 'where agents fetch executor.tgz instead; #sha256=… is checked'),
    option('--node-uri <uri>', 'NODE_URI', 'where agents fetch the Node binary itself instead'),
    option('--cassandra-uri <uri>', 'CASSANDRA_URI', 'where agents fetch the Cassandra distribution instead'),
    option('--java-home <path>', 'CASSANDRA_JAVA_HOME', 'Java on the agents; default: their JAVA_HOME or PATH'),
    option('--java-uri <uri>', 'JRE_URI', 'archive of a Java runtime that agents fetch'),
    option('--jolokia-jar <path>', 'JOLOKIA_JAR', "Jolokia's JVM agent, with --executor-on-agents").default(
      JOLOKIA_JAR,
    ),
    new Option('--executor-on-agents', 'this program is at the same path on every agent: nothing is fetched')
      .default(false)
      .hideHelp(),
  ];
}

export function addOptions(command: Command, options: Option[]): Command {
  for (const each of options) command.addOption(each);
  return command;
}
