import type { JobType, PhaseName } from './phase.ts';
import type { BackupMode, DamagedFile, FileEncodings } from './backup.ts';
import type { NodeMap } from './foreign-backup.ts';
import type { NodePorts } from './node.ts';

/** One thing that went wrong, as an operator reads it in `errors`. */
export interface JobError {
  executorId: string | null;
  keyspace: string | null;
  table: string | null;
  /** A code of src/errors.ts, or one that a newer executor sent. */
  code: string;
  message: string;
}

/** What one task tells an executor: to run the Cassandra server, or to do one step of a cluster job. */
export type NodeTask = { server: ServerRequest } | { step: StepRequest };

/** Everything that an executor needs to start its Cassandra. Paths are on the agent's host. */
export interface ServerRequest {
  clusterName: string;
  executorId: string;
  address: string;
  ports: NodePorts;
  seeds: string[];
  datacenter: string;
  rack: string;
  numTokens: number;
  /** One base directory or several (JBOD): data, commit log, hints and staging of the node lie below `<base>/<executorId>`. */
  dataDirectories: string[];
  /** Directory with Cassandra's `lib/`; relative to the sandbox when a distribution was fetched into it. */
  cassandraHome: string;
  /** Path of Jolokia's JVM agent. */
  jolokiaJar: string;
  /** JVM heap in MiB. */
  heapMb: number;
  /** JVM options added at the end, for example `-Dcassandra.ring_delay_ms=2000`. */
  jvmOptions: string[];
  /** Entries that override our own in cassandra.yaml. JSON values. */
  cassandraYaml: Record<string, unknown>;
  /** Address of the dead node to be replaced at the first start (`-Dcassandra.replace_address_first_boot`). */
  replaces: string | null;
  /** Java's home on the agent or in the sandbox; null: JAVA_HOME of the executor, else `java` on its PATH. */
  javaHome: string | null;
  healthIntervalMs: number;
  /** How long the start may take until the node is NORMAL, in ms. */
  startTimeoutMs: number;
}

/** One step of a cluster job for one node. */
export interface StepRequest {
  jobId: number;
  jobUuid: string;
  type: JobType;
  phase: PhaseName;
  attempt: number;
  cluster: string;
  executorId: string;
  /** Empty for jobs that have nothing to do with a backup, as `location`. */
  backupName: string;
  /** `file:///dir`, or a directory relative to the sandbox (the forerunner's default `backup`). */
  location: string;
  keyspaces: string[] | null;
  tables: string[] | null;
  /** Restore: executor id under whose folder this node's backup lies. Null until `check` found it. */
  sourceExecutorId: string | null;
  /** backup with snapshot=together: the snapshot was taken by an earlier phase. */
  snapshotTaken: boolean;
  /** confirm and commit: checksum of the manifest by which this node's part is known. */
  manifestSha256: string | null;
  /** commit: the cluster's record, JSON text; null when it should lie there already. */
  record: string | null;
  /** commit: checksum of the record. */
  recordSha256: string | null;
  /** commit of a resumed backup: checksum of the record that it takes the place of. */
  replaces?: string;
  /** truncate: `keyspace.table` of everything that the nodes have staged. */
  truncateTables: string[] | null;
  /** cleanup of a restore: the staged files are to go as well. */
  removeStaging: boolean;
  /** removenode: Cassandra's host id of the dead node. */
  removeHostId: string | null;
  /** backup: incremental links to what earlier backups of the node hold. */
  mode: BackupMode;
  /** backup: read every file, whatever is known of it. */
  rehash: boolean;
  /** snapshot, backup: the node was not up when the others proved that they can write at the location, and is to prove it first. */
  preflightDue?: boolean;
  /** inspect: read every byte. */
  deep?: boolean;
  /** inspect: all nodes at it, in one order that all know. */
  inspectors?: Inspector[];
  /** delete: also the only whole backup. */
  force?: boolean;
  /** Credentials that came with the request, as JSON, sealed for this executor, task and location; see sealed.ts. */
  sealedCredentials?: string;
  /** Id of the scheduler, for the lock of the location. Absent from early versions. */
  scheduler?: string;
  /** backup: go on with what another job has begun; and the uuids of those that are known to have worked on it, the first one first. */
  resume?: boolean;
  resumes?: string[];
  /** backup, stage: bytes per second of this node; absent for no limit. May be changed by a message, see model/pace.ts. */
  bandwidth?: number;
  /** prune: backups to delete. rename: only in these backups. */
  names?: string[];
  /** sweep, rename: only say what would be done. */
  dryRun?: boolean;
  /** sweep: what was changed within so many ms is left alone. */
  graceMs?: number;
  /** rename: executor ids. */
  renameFrom?: string;
  renameTo?: string;
  /** ADOPT: folder of the location that holds the nodes' folders, and whose these are where their names do not say it. */
  adoptFrom?: string;
  nodeMap?: NodeMap;
}

/** A node of the ring that takes part in a verification. */
export interface Inspector {
  executorId: string;
  hostId: string | null;
  /** Empty while the node is down. */
  tokens: string[];
  /** It was up when the job was planned. */
  ready: boolean;
}

export interface TableReport {
  files: number;
  bytes: number;
  /** backup: how much of it was not at the location yet. Absent in other steps and in reports of early versions. */
  filesSent?: number;
  bytesSent?: number;
  error: string | null;
  /** load: Cassandra's own snapshot from before the truncation, the way back. Null where it took none. */
  safetySnapshot: string | null;
}

export interface KeyspaceReport {
  status: 'SUCCESS' | 'FAILURE';
  durationMillis: number;
  bytes: number;
  /** As in TableReport. */
  filesSent?: number;
  bytesSent?: number;
  error: string | null;
  tables: Record<string, TableReport>;
}

/** The stored manifest of one node, as the cluster's record names it. */
export interface ManifestReport {
  sha256: string;
  hostId: string;
  tokens: string[];
  hostname: string;
  ip: string;
  schemaVersion: string;
  cassandraVersion?: string;
  /** ADOPT: the folder that it was taken from. */
  adoptedFrom?: string;
  files: number;
  bytes: number;
  /** Absent in reports of early versions. */
  filesSent?: number;
  bytesSent?: number;
  /** Absent where no file is encoded. */
  encodings?: FileEncodings;
}

/** What a node found in `check`: enough for the scheduler to decide whether the restore may begin. */
export interface CheckReport {
  /** sha256 of the cluster record as this node reads it. All nodes must read the same. */
  recordSha256: string;
  /** Executor ids of all nodes in the backup. */
  backupNodes: string[];
  /** The backup's node that is this one; null when none matches. */
  sourceExecutorId: string | null;
  /** `keyspace.table` of everything to be restored here, also tables without files. */
  tables: string[];
  /** Epoch ms at which the node's backup was finished: the newest knows the newest schema. */
  backupFinished: number;
  schemaVersions: string[];
  unreachableNodes: string[];
  bytesNeeded: number;
  bytesFree: number;
}

/** What a node found in `inspect`. */
export interface InspectionReport {
  recordSha256: string;
  /** Files that were held against a manifest. */
  files: number;
  damagedFiles: number;
  /** At most a few of each table, but some of every damaged one. */
  damaged: DamagedFile[];
  /** Files that no manifest names: no damage, and no use. At most a few. */
  extraFiles: number;
  extra: { executorId: string; path: string }[];
}

/** What a node did in `delete`. */
export interface DeletionReport {
  /** There was something of the backup where this node sees the location. */
  found: boolean;
  /** It was all of the backup: no other node need look. */
  whole: boolean;
  files: number;
  /** Files that stay because manifests of other backups name them. */
  kept: number;
}

/** What a node did in `prune`. */
export interface PruneReport {
  /** All of every backup that was to go lay where this node looked: no other node need look. */
  whole: boolean;
  deleted: string[];
  /** Backups that were to go and have to stay. */
  kept: { name: string; reason: string }[];
  files: number;
  /** Files of deleted backups that stay because manifests of others name them. */
  filesKept: number;
}

/** What a node found in `sweep`, and deleted unless it was a dry run. */
export interface SweepReport {
  files: number;
  bytes: number;
  /** Names of which nothing is left where this node looked. */
  backups: string[];
  /** Folders and files, at most a few hundred; `files` and `bytes` count all. */
  found: { path: string; files: number; bytes: number; reason: string }[];
}

/** What a node did in `rename`, or would do. */
export interface RenameReport {
  /** Backups with a part of that executor. */
  backups: string[];
  files: number;
  bytes: number;
}

/**
 * What an executor says of a step, always in full: a later report replaces an earlier one. Sent as progress
 * (a framework message, may be lost) and with the final status (delivered until acknowledged).
 */
export interface StepReport {
  keyspaces: Record<string, KeyspaceReport>;
  remainingKeyspaces: string[];
  /** Bytes of the whole step, and how many are done. Null until they are counted. */
  bytesTotal: number | null;
  bytesDone: number;
  filesTotal: number | null;
  filesDone: number;
  /** backup: how much of what is done was not at the location yet. Absent in other steps and in reports of early versions. */
  filesSent?: number;
  bytesSent?: number;
  /** File or table at work. */
  current: string | null;
  /** Bytes per second that it may move, as it was last told; null for no limit. Absent in reports of early versions. */
  bandwidth?: number | null;
  errors: JobError[];
  /**
   * backup that is resumed: uuid of the job that has begun it, null where nobody knows of any, and the checksum of the record that is to be
   * replaced, null where there is none.
   */
  resumed?: { origin: string | null; recordSha256: string | null };
  manifest: ManifestReport | null;
  check: CheckReport | null;
  inspection?: InspectionReport;
  deletion?: DeletionReport;
  prune?: PruneReport;
  sweep?: SweepReport;
  rename?: RenameReport;
}

export function emptyReport(): StepReport {
  return {
    keyspaces: {},
    remainingKeyspaces: [],
    bytesTotal: null,
    bytesDone: 0,
    filesTotal: null,
    filesDone: 0,
    current: null,
    errors: [],
    manifest: null,
    check: null,
  };
}
