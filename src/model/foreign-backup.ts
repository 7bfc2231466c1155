import { whyUnreadable } from './sstable-version.ts';

/** The programs whose trees can be adopted. */
export type ForeignMaker = 'cassandra-mesos' | 'dcos-cassandra' | 'cassandra_snapshotter';

/**
 * A tree that another program has made and that is no backup of ours yet. The forerunner's is
 * `<location>/<framework>/<executorId>/<name>/<keyspace>/<table>/<component>`, without any document; of others see storage/foreign-trees.ts.
 */
export interface ForeignBackup {
  /** By its layout. */
  madeBy: ForeignMaker;
  /** The folder that the nodes' folders are in: the forerunner's framework name. */
  framework: string;
  name: string;
  /** Names of the nodes' folders; the forerunner's are executor ids. */
  nodes: string[];
  keyspaces: string[];
  /** Format versions of the SSTables that were looked at, one for each node and keyspace. */
  sstableVersions: string[];
  /** Why it cannot be adopted as it is; null when nothing is known against it. */
  message: string | null;
}

/** Why no Cassandra that we run reads one of these versions, and what to do; null when all can be read. */
export function unreadableMessage(sstableVersions: readonly string[]): string | null {
  for (const version of sstableVersions) {
    const found = whyUnreadable(version, null);
    if (found) return `${found.message}. ${found.hint}`;
  }
  return null;
}

/** Folder of a tree to the number of the node that adopts what lies in it. */
export type NodeMap = Readonly<Record<string, number>>;

/** Why the forerunner's backups take no map. */
export const NO_MAP =
  "Expected no nodeMap for a backup of the forerunner, whose folders have executor ids: rename a folder to the node's own id instead";
