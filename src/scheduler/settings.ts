/** What the scheduler was told about the cluster and its nodes. Sizes in MiB, times in ms. */
export interface SchedulerSettings {
  clusterName: string;
  nodeCount: number;
  seedCount: number;
  /** Resources of one Cassandra server task. */
  server: { cpus: number; memMb: number; diskMb: number };
  /** Resources of one executor, beside its tasks. Its disk, for the sandbox, counts where data lie on volumes. */
  executor: { cpus: number; memMb: number; diskMb: number };
  /** Resources of one step of a cluster job. */
  step: { cpus: number; memMb: number };
  heapMb: number;
  ports: { storage: number; native: number; jmx: number };
  datacenter: string;
  rack: string;
  numTokens: number;
  /** Host paths; empty: `data` in the sandbox. */
  dataDirectories: string[];
  /** Mesos role whose resources are taken; `*`: none. With one, each node's share is reserved and its data lie on volumes. */
  role: string;
  /** Of the framework's authentication; part of every reservation. Null: Mesos does not ask for one. */
  principal: string | null;
  /** Persistent volumes of a node, each of `server.diskMb`: on the agent's root disk, a path disk or a mount disk of its own. Null without a role. */
  volumes: { type: 'ROOT' | 'PATH' | 'MOUNT'; count: number } | null;
  /** Where nodes may go, beside one on a host. */
  constraints: Constraint[];
  /** Relative to the sandbox when a distribution was fetched into it. */
  cassandraHome: string;
  jolokiaJar: string;
  /** See ServerRequest. */
  javaHome: string | null;
  jvmOptions: string[];
  cassandraYaml: Record<string, unknown>;
  /** Shell command that starts an executor on an agent, its environment, and what the agent fetches for it before. */
  executorCommand: string;
  executorEnvironment: Record<string, string>;
  executorUris: FetchUri[];
  healthIntervalMs: number;
  startTimeoutMs: number;
  /** How long an executor may take to stop Cassandra when it is shut down. */
  shutdownGraceMs: number;
}

/** What Mesos' fetcher brings into the sandbox. */
export interface FetchUri {
  value: string;
  extract: boolean;
  executable: boolean;
  cache: boolean;
  /** Name in the sandbox; null: the last part of the URI. */
  outputFile: string | null;
}

/** Marathon's words: `hostname:UNIQUE`, `rack:GROUP_BY:3`, `zone:CLUSTER:a`. */
export interface Constraint {
  /** `hostname`, `@region`, `@zone`, or an attribute of the agents. */
  field: string;
  operator: 'UNIQUE' | 'CLUSTER' | 'GROUP_BY' | 'LIKE' | 'UNLIKE' | 'MAX_PER' | 'IS';
  value: string | null;
}
