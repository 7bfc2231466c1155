/** What an operator wants of a node. The forerunner's words. */
export type TargetRunState = 'RUN' | 'STOP' | 'RESTART';

/** TCP ports of one Cassandra node. `jolokia` and `jmx` are bound to loopback. */
export interface NodePorts {
  storage: number;
  native: number;
  jmx: number;
  jolokia: number;
}

/** What a running Cassandra says of itself; read through Jolokia. */
export interface NodeHealth {
  /** NORMAL, STARTING, JOINING, LEAVING, DRAINED, … as StorageService.OperationMode. */
  operationMode: string;
  hostId: string;
  /** Cassandra's release, for example 5.0.5. */
  version: string;
  clusterName: string;
  datacenter: string;
  rack: string;
  partitioner: string;
  schemaVersion: string;
  /** The node's own tokens, sorted numerically, as decimal strings. */
  tokens: string[];
  /** Addresses that this node sees as up, down, and on the move. */
  liveNodes: string[];
  unreachableNodes: string[];
  movingNodes: string[];
  uptimeMillis: number;
  nativeTransportRunning: boolean;
}

/** One node of the ring as the scheduler knows it: its identity, its place, its tasks and its last word. */
export interface ClusterNode {
  /** The number in the executor id; never reused for other data. */
  number: number;
  executorId: string;
  seed: boolean;
  targetRunState: TargetRunState;
  /** Where it lives. Null until its first launch was decided. */
  agentId: string | null;
  hostname: string | null;
  ip: string | null;
  ports: NodePorts | null;
  /** Encoded ExecutorInfo of the running executor. Mesos wants it byte-equal in every later task. */
  executorInfo: Uint8Array | null;
  /** Mesos task of the Cassandra server, and how far it is. */
  serverTaskId: string | null;
  serverState: ServerState;
  /** How many times the server was launched; makes its task ids unique. */
  launches: number;
  /** Not to be launched before (epoch ms): back-off after a failure. */
  launchNotBefore: number | null;
  lastError: string | null;
  health: NodeHealth | null;
  /** Epoch ms of `health`, null until one came. */
  healthAt: number | null;
  /** True once the node was NORMAL: from then on it starts on its own data, without bootstrap. */
  bootstrapped: boolean;
}

/**
 * The server task's walk: NONE → LAUNCHING (ACCEPT was decided) → STARTING → RUNNING, and back to NONE when
 * the task has ended. UNREACHABLE: the agent is gone from the master's view, the task may still run.
 */
export type ServerState = 'NONE' | 'LAUNCHING' | 'STARTING' | 'RUNNING' | 'KILLING' | 'UNREACHABLE';

/** Framework name of a cluster, the forerunner's rule. */
export function frameworkName(cluster: string): string {
  return `cassandra.${cluster}`;
}

export function executorIdOf(cluster: string, number: number): string {
  return `${frameworkName(cluster)}.node.${number}.executor`;
}

/** A node that can take a step of a cluster job: its server runs and Cassandra says NORMAL. */
export function isNodeReady(node: ClusterNode): boolean {
  return node.serverState === 'RUNNING' && node.health?.operationMode === 'NORMAL';
}
