/** incremental: what earlier backups of the node hold already is linked to. full: everything is sent. */
export type BackupMode = 'incremental' | 'full';

/** One SSTable component in a node's manifest. */
export interface ManifestFile {
  /** Relative to the node backup's folder: `<keyspace>/<table>/[.index/]<component>`. */
  path: string;
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** Where the bytes lie when not at `path` in this folder: a key relative to the location. */
  source?: string;
  /** Index of the data directory it came from (JBOD). */
  dataDirectory: number;
}

export interface ManifestTable {
  keyspace: string;
  table: string;
  /** Table id at backup time. */
  id: string;
  viewOf: string | null;
  columns: { name: string; kind: string; type: string; position: number; clusteringOrder: string }[];
  droppedColumns: string[];
}

/** `<location>/<cluster>/<executorId>/<name>/manifest.json`: written last for the node. */
export interface NodeManifest {
  version: 1;
  cluster: string;
  backupName: string;
  jobUuid: string;
  executorId: string;
  hostId: string;
  hostname: string;
  ip: string;
  datacenter: string;
  rack: string;
  tokens: string[];
  cassandraVersion: string;
  partitioner: string;
  schemaVersion: string;
  /** Epoch ms. */
  started: number;
  finished: number;
  /** Absent in backups of early versions, which sent everything; as the two numbers. */
  mode?: BackupMode;
  /** Files and bytes that were not at the location yet. */
  filesSent?: number;
  bytesSent?: number;
  /** Keyspaces backed up whole; also the empty ones. */
  keyspaces: string[];
  tables: ManifestTable[];
  types: { keyspace: string; name: string; fields: { name: string; type: string }[] }[];
  /** DDL in the order in which it can be run; see cassandra/schema.ts. */
  schema: { keyspace: string; type: string; name: string; cql: string }[];
  files: ManifestFile[];
}

/** `<location>/<cluster>/backups/<name>.json`: written last for the backup. Without it there is no backup. */
export interface BackupRecord {
  version: 1;
  cluster: string;
  name: string;
  jobUuid: string;
  location: string;
  started: number;
  finished: number;
  result: 'SUCCESS' | 'PARTIAL';
  /** Absent in backups of early versions. */
  mode?: BackupMode;
  nodes: {
    executorId: string;
    hostId: string;
    hostname: string;
    ip: string;
    tokens: string[];
    schemaVersion: string;
    manifestSha256: string;
    files: number;
    bytes: number;
    /** Absent in backups of early versions. */
    filesSent?: number;
    bytesSent?: number;
  }[];
  /** Nodes and keyspaces that are missing, with the reason. Empty when result is SUCCESS. */
  missing: { executorId: string; keyspace: string | null; reason: string }[];
}
