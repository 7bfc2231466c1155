/**
 * What an operator wants of a node. The forerunner's words. TERMINATE is for good: the node was replaced or removed, it
 * is no member of the ring any more and its data are never used again.
 */
export type TargetRunState = 'RUN' | 'STOP' | 'RESTART' | 'TERMINATE';

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
  /** Public key of its executor, see sealed.ts. Absent from executors of early versions. */
  sealingKey?: string;
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
  /** Cassandra's host id, kept while the node is down: by it the others take a dead node out of the ring. Null until known. */
  hostId: string | null;
  /** Cassandra's own place names, decided with the first launch; Cassandra refuses to start with others later. */
  datacenter: string | null;
  rack: string | null;
  /** Text attributes of its agent, with `@region` and `@zone` of its fault domain, as they were at the last launch. */
  attributes: Record<string, string>;
  /** With a role: what is reserved for this node on its agent, and its volumes. Null: nothing was asked for. */
  reservation: NodeReservation | null;
  /** Address of the dead node whose tokens this one takes over at its first start. Null for all others. */
  replaces: string | null;
  /** TERMINATE only: an operator said that its data may go: volumes destroyed, reservation given back, node forgotten. */
  deleteData: boolean;
  /** Settings that its Cassandra was last started with, to be compared with the present ones. Null before the first start. */
  launchedWith: Record<string, unknown> | null;
}

/** What a node holds on its agent beyond the life of its tasks. */
export interface NodeReservation {
  /** Persistence id and place in the executor's sandbox, one a volume. */
  volumes: { id: string; containerPath: string }[];
  /** The agent has confirmed it, or offered it, or a task has started on it: from then on nothing else may be made. */
  made: boolean;
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

/** The number in an executor id of ours. */
export function nodeNumber(executorId: string): number {
  return Number(/\.node\.(\d+)\.executor$/.exec(executorId)?.[1]);
}

/** A node that was never launched. */
export function newNode(cluster: string, number: number, seed: boolean): ClusterNode {
  return {
    number,
    executorId: executorIdOf(cluster, number),
    seed,
    targetRunState: 'RUN',
    agentId: null,
    hostname: null,
    ip: null,
    ports: null,
    executorInfo: null,
    serverTaskId: null,
    serverState: 'NONE',
    launches: 0,
    launchNotBefore: null,
    lastError: null,
    health: null,
    healthAt: null,
    bootstrapped: false,
    hostId: null,
    datacenter: null,
    rack: null,
    attributes: {},
    reservation: null,
    replaces: null,
    deleteData: false,
    launchedWith: null,
  };
}

/** A node of the ring as it is to be; nodes that were replaced or removed are not. */
export function isMember(node: ClusterNode): boolean {
  return node.targetRunState !== 'TERMINATE';
}

/** A node that can take a step of a cluster job: its server runs and Cassandra says NORMAL. */
export function isNodeReady(node: ClusterNode): boolean {
  return node.serverState === 'RUNNING' && node.health?.operationMode === 'NORMAL';
}
