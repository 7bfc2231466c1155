/** What the scheduler was told about the cluster and its nodes. Sizes in MiB, times in ms. */
export interface SchedulerSettings {
  clusterName: string;
  nodeCount: number;
  seedCount: number;
  /** Resources of one Cassandra server task. */
  server: { cpus: number; memMb: number; diskMb: number };
  /** Resources of one executor, beside its tasks. */
  executor: { cpus: number; memMb: number };
  /** Resources of one step of a cluster job. */
  step: { cpus: number; memMb: number };
  heapMb: number;
  ports: { storage: number; native: number; jmx: number };
  datacenter: string;
  rack: string;
  numTokens: number;
  /** Host paths; empty: `data` in the sandbox. */
  dataDirectories: string[];
  cassandraHome: string;
  /** Fetched and unpacked into the sandbox by the agent. Null when `cassandraHome` is on the agents already. */
  cassandraUri: string | null;
  jolokiaJar: string;
  jvmOptions: string[];
  cassandraYaml: Record<string, unknown>;
  /** Shell command that starts an executor on an agent, and its environment. */
  executorCommand: string;
  executorEnvironment: Record<string, string>;
  healthIntervalMs: number;
  startTimeoutMs: number;
  /** How long an executor may take to stop Cassandra when it is shut down. */
  shutdownGraceMs: number;
}
