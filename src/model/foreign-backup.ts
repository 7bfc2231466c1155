/**
 * A tree that another program (the forerunner) has made and that is no backup of ours yet:
 * `<location>/<framework>/<executorId>/<name>/<keyspace>/<table>/<component>`, without any document.
 */
export interface ForeignBackup {
  /** The folder that the executors' folders are in: the forerunner's framework name. */
  framework: string;
  name: string;
  /** Executor ids. */
  nodes: string[];
  keyspaces: string[];
  /** Format versions of the SSTables that were looked at, one for each node and keyspace. */
  sstableVersions: string[];
  /** Why it cannot be adopted as it is; null when nothing is known against it. */
  message: string | null;
}
