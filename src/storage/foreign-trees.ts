import { z } from 'zod';
import { isBackupName } from '../model/backup-name.ts';
import { unreadableMessage, type ForeignBackup, type ForeignMaker } from '../model/foreign-backup.ts';
import { sstableVersion } from '../model/sstable-version.ts';
import { checkKey, keyProblem } from './layout.ts';
import type { Storage } from './storage.ts';

/**
 * A folder that is one backup of another program and holds a folder for each node.
 *
 * - `dcos-cassandra`: `<folder>/node-<n>/<keyspace>/<table>/<component>` and `<folder>/node-<n>/schema.cql`. DC/OS 2.x copies snapshots like that
 *   into a bucket; 1.x as well, below a prefix and with the table's id in its folder's name.
 * - `cassandra_snapshotter`: `<folder>/<host>/<data directory>/<keyspace>/<table>/snapshots/<name>/<component>.lzo`, what came later in
 *   `<table>/backups/`; and in `<folder>` the `manifest.json` (written last), `ring`, and where it was asked for `schema.cql` or `schema_<keyspace>.cql`.
 */
export interface ForeignTree {
  madeBy: Exclude<ForeignMaker, 'cassandra-mesos'>;
  /** Names of the nodes' folders. */
  nodes: string[];
  /** cassandra_snapshotter's name of the snapshot, the time at which it was begun; null of DC/OS. */
  snapshot: string | null;
}

/** Name of a node's folder, by its pod's number. */
export const DCOS_NODE = /^node-\d+$/;

/** cassandra_snapshotter names a snapshot by its UTC time. */
export const SNAPSHOTTER_NAME = /^\d{14}$/;

/** What cassandra_snapshotter says of a snapshot in its `manifest.json`. */
const SNAPSHOTTER_MANIFEST = z.object({
  name: z.string(),
  base_path: z.string(),
  hosts: z.array(z.string()),
  keyspaces: z.array(z.string()).nullable(),
});

/** Null where a folder is no such tree, as far as its documents and folders say. */
export async function readForeignTree(storage: Storage, folder: string): Promise<ForeignTree | null> {
  const prefix = `${checkKey(folder)}/`;
  const folders = (await storage.folders(prefix)).filter(isUsable);
  const nodes = folders.filter((name) => DCOS_NODE.test(name));
  if (nodes.length > 0) return { madeBy: 'dcos-cassandra', nodes, snapshot: null };
  const text = folders.length === 0 ? null : await storage.getDocument(`${prefix}manifest.json`);
  const snapshot = text === null ? null : snapshotOf(text);
  return snapshot === null ? null : { madeBy: 'cassandra_snapshotter', nodes: folders, snapshot };
}

function snapshotOf(text: string): string | null {
  try {
    const manifest = SNAPSHOTTER_MANIFEST.safeParse(JSON.parse(text));
    return manifest.success ? manifest.data.name : null;
  } catch {
    // A document of something else.
    return null;
  }
}

/** What of a tree can be seen without reading it: of each node and keyspace its first file. Null where it holds no SSTable. */
export async function foreignTreeBackup(storage: Storage, folder: string): Promise<ForeignBackup | null> {
  const tree = await readForeignTree(storage, folder);
  if (tree === null) return null;
  const keyspaces = new Set<string>();
  const versions = new Set<string>();
  for (const node of tree.nodes) {
    const prefix = await keyspacesPrefix(storage, tree, `${folder}/${node}/`);
    for (const keyspace of prefix === null ? [] : (await storage.folders(prefix)).filter(isUsable)) {
      const version = await firstVersion(storage, `${prefix}${keyspace}/`);
      if (version === null) continue;
      keyspaces.add(keyspace);
      versions.add(version);
    }
  }
  if (keyspaces.size === 0) return null;
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  const sstableVersions = [...versions].toSorted();
  const nameless = isBackupName(name)
    ? null
    : `its name is none that we take: adopt it under another one, with from=${folder}`;
  const message = unreadableMessage(sstableVersions) ?? nameless;
  const { madeBy, nodes } = tree;
  return { madeBy, framework: folder, name, nodes, keyspaces: [...keyspaces].toSorted(), sstableVersions, message };
}

/** Below which the keyspaces' folders of a node lie; of several data directories that of the first file. */
async function keyspacesPrefix(storage: Storage, { snapshot }: ForeignTree, prefix: string): Promise<string | null> {
  if (snapshot === null) return prefix;
  for await (const { key } of storage.list(prefix)) {
    const parsed = parseSnapshotterKey(key.slice(prefix.length), snapshot);
    if (parsed !== null) return `${prefix}${parsed.dataDirectory}/`;
  }
  return null;
}

/** Format version of the first SSTable below a prefix; null when there is none. */
export async function firstVersion(storage: Storage, prefix: string): Promise<string | null> {
  for await (const { key } of storage.list(prefix)) {
    const version = sstableVersion(key.slice(key.lastIndexOf('/') + 1).replace(/\.lzo$/, ''));
    if (version !== null) return version;
  }
  return null;
}

/** Folders with other names cannot be looked into. */
export function isUsable(folder: string): boolean {
  return keyProblem(folder) === null;
}

/** A file as cassandra_snapshotter stores one, by its key below the node's folder. */
export interface SnapshotterFile {
  /** Cassandra's data directory, without a `/` at its beginning. */
  dataDirectory: string;
  keyspace: string;
  tableFolder: string;
  /** In the table's folder of the snapshot, or of what came after it. */
  isSnapshot: boolean;
  /** Name of the file on the node. */
  name: string;
  /** It was compressed by lzop. */
  isLzop: boolean;
}

const SNAPSHOTTER_KEY = /^(.+)\/([^/]+)\/([^/]+)\/(?:snapshots\/([^/]+)|backups)\/([^/]+?)(\.lzo)?$/;

/** Null for anything else, and for files of other snapshots. */
export function parseSnapshotterKey(key: string, snapshot: string): SnapshotterFile | null {
  const match = SNAPSHOTTER_KEY.exec(key);
  if (match === null) return null;
  const [, dataDirectory = '', keyspace = '', tableFolder = '', of, name = '', lzo] = match;
  if (of !== undefined && of !== snapshot) return null;
  return { dataDirectory, keyspace, tableFolder, isSnapshot: of !== undefined, name, isLzop: lzo !== undefined };
}
