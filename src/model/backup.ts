/** incremental: what earlier backups of the node hold already is linked to. full: everything is sent. */
export type BackupMode = 'incremental' | 'full';

export type Compression = 'lz4' | 'zstd' | 'gzip';

/** How a file lies at the location, where it does not lie there as it was on the node. */
export interface FileEncoding {
  /** Bytes at the location. */
  stored: number;
  /** `lzop`: by another program, whose backup was adopted. */
  compression?: Compression | 'lzop';
  /** The operator's name of the key that it is encrypted with. */
  keyId?: string;
  /** By what the key itself is known, without telling it: another key may be given the same name. */
  keyCheck?: string;
}

/** One SSTable component in a node's manifest. */
export interface ManifestFile {
  /** Relative to the node backup's folder: `<keyspace>/<table>/[.index/]<component>`. */
  path: string;
  /** Bytes on the node, as is the checksum. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** Absent: the file lies at the location as it was on the node. */
  encoding?: FileEncoding;
  /** Where the bytes lie when not at `path` in this folder: a key relative to the location. */
  source?: string;
  /** Index of the data directory it came from (JBOD). */
  dataDirectory: number;
}

/** How files of a backup lie at the location, together. */
export interface FileEncodings {
  /** Names of the keys that they are encrypted with. */
  keyIds: string[];
  compression: NonNullable<FileEncoding['compression']>[];
  /** Files that are not encrypted. */
  clearFiles: number;
}

/** Null where all of them lie there as they were on their nodes. */
export function encodingsOf(files: readonly Pick<ManifestFile, 'encoding'>[]): FileEncodings | null {
  const encodings = files.flatMap(({ encoding }) => encoding ?? []);
  if (encodings.length === 0) return null;
  const keyIds = encodings.flatMap(({ keyId }) => keyId ?? []);
  const compression = encodings.flatMap((encoding) => encoding.compression ?? []);
  const clearFiles = files.length - keyIds.length;
  return { keyIds: sortedOnce(keyIds), compression: sortedOnce(compression), clearFiles };
}

/** Each value once, sorted. */
export function sortedOnce<T extends string>(values: readonly T[]): T[] {
  return [...new Set(values)].toSorted();
}

/** Bytes that a file has at the location. */
export function storedBytes({ size, encoding }: Pick<ManifestFile, 'size' | 'encoding'>): number {
  return encoding?.stored ?? size;
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
  /** Another program made it, and it was taken over. */
  adopted?: true;
  /** The folder of the location that it was taken from; the cluster's own where the files have stayed in place. */
  adoptedFrom?: string;
  /** Keyspaces backed up whole; also the empty ones. */
  keyspaces: string[];
  tables: ManifestTable[];
  types: { keyspace: string; name: string; fields: { name: string; type: string }[] }[];
  /** DDL in the order in which it can be run; see cassandra/schema.ts. */
  schema: { keyspace: string; type: string; name: string; cql: string }[];
  files: ManifestFile[];
}

export interface KeyspaceSize {
  tables: number;
  files: number;
  bytes: number;
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
  /** As in the manifests. */
  adopted?: true;
  adoptedFrom?: string;
  nodes: {
    executorId: string;
    hostId: string;
    hostname: string;
    ip: string;
    tokens: string[];
    schemaVersion: string;
    /** Not in the records of early versions, as `keyspaces`. */
    cassandraVersion?: string;
    manifestSha256: string;
    files: number;
    bytes: number;
    /** Absent in backups of early versions. */
    filesSent?: number;
    bytesSent?: number;
  }[];
  /** Nodes and keyspaces that are missing, with the reason; of an adopted keyspace only `table`. Empty when result is SUCCESS. */
  missing: { executorId: string; keyspace: string | null; table?: string; reason: string }[];
  /** What is stored of each keyspace on all nodes together; also the empty ones. */
  keyspaces?: Record<string, KeyspaceSize>;
  /** Names of the keys that its files are encrypted with; absent where none is. */
  keyIds?: string[];
  /** No file of it lies open. */
  encrypted?: true;
  /** How files of it are compressed; absent where none is. */
  compression?: FileEncodings['compression'];
}

/** One file that is not as the backup's documents say. */
export interface DamagedFile {
  /** Under whose folder it lies; null for documents of the whole backup. */
  executorId: string | null;
  /** Relative to the node backup's folder, or to the location where there is no executor id. */
  path: string;
  problem: string;
}

/**
 * `<location>/<cluster>/backups/<name>.verified`: what the last verification found. No record has such a name, whatever the
 * backup is called.
 */
export interface Verification {
  version: 1;
  cluster: string;
  name: string;
  /** Of the record that was verified: a finding about another one says nothing. */
  recordSha256: string;
  /** Epoch ms. */
  when: number;
  /** Every byte was read; otherwise documents, presence and sizes. */
  deep: boolean;
  result: 'SUCCESS' | 'FAILURE';
  damagedFiles: number;
  /** At most a few of each table, but some of every damaged one. */
  damaged: DamagedFile[];
}

/**
 * `<location>/<cluster>/backups/<name>.deleting`: written before the first file of a backup is deleted, and removed after the last. Where
 * it stands there is no backup any more.
 */
export interface DeletionMarker {
  version: 1;
  cluster: string;
  name: string;
  /** Epoch ms. */
  started: number;
  /** Every node that the record names had its folder here: whoever finishes this deletion has finished all of it. */
  whole: boolean;
  /** All is deleted but for so many files, which manifests of other backups name. */
  kept?: number;
}
