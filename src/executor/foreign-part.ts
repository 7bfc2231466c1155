import { isSystemKeyspace } from '../cassandra/read-schema.ts';
import { OperatorError } from '../errors.ts';
import { NO_MAP } from '../model/foreign-backup.ts';
import { frameworkName, nodeNumber } from '../model/node.ts';
import { sstableVersion, whyUnreadable } from '../model/sstable-version.ts';
import { foreignPrefix } from '../storage/foreign-backups.ts';
import { readForeignTree, type ForeignTree } from '../storage/foreign-trees.ts';
import { nodeFolders } from '../storage/layout.ts';
import { parseTableFolder, type ForeignFile, type ForeignTable } from './foreign-files.ts';
import { ownFolder } from './own-folder.ts';
import { readRing, readSnapshotterTables } from './snapshotter-part.ts';
import type { StepContext } from './step-context.ts';

/** What another program has stored of a node under a backup's name. */
export interface ForeignPart {
  /** The folder of the location that holds the nodes' folders. */
  from: string;
  /** The node's folder in it; of the forerunner's the executor id. */
  folder: string;
  /** They are the very folders in which our own backups lie. */
  inPlace: boolean;
  keyspaces: string[];
  tables: ForeignTable[];
}

/**
 * Looks at what another program has stored of this node, names and sizes alone. System keyspaces are left out, as in backups. Throws
 * BACKUP_NOT_FOUND, BAD_REQUEST for what is a backup of ours, NOTHING_TO_BACK_UP, TOPOLOGY_MISMATCH.
 */
export async function readForeignPart(context: StepContext): Promise<ForeignPart> {
  const { storage, request } = context;
  const { from, folder, prefix, tree } = await findPart(context);
  const snapshot = tree?.snapshot ?? null;
  const inPlace = from === request.cluster;
  if (tree === null && request.nodeMap !== undefined) throw new OperatorError('BAD_REQUEST', NO_MAP);
  if (tree === null && !inPlace) await refuseOurs(context, prefix);
  const found =
    snapshot === null
      ? await readTables(context, prefix, await storage.folders(prefix))
      : await readSnapshotterTables(context, prefix, snapshot);
  const keyspaces = found.keyspaces.filter((keyspace) => !isSystemKeyspace(keyspace));
  const tables = found.tables.filter(({ keyspace }) => keyspaces.includes(keyspace));
  if (keyspaces.length > 0) return { from, folder, inPlace, keyspaces, tables };
  throw new OperatorError('NOTHING_TO_BACK_UP', `expected a keyspace of a user in ${prefix}, found none`);
}

/** Throws SCHEMA_MISMATCH for SSTables of a version that this Cassandra cannot read: nothing of such a tree is adopted. */
export function refuseUnreadable({ tables }: ForeignPart, release: string): void {
  for (const { files } of tables) {
    for (const { path, key } of files) {
      const version = sstableVersion(path);
      const found = version === null ? null : whyUnreadable(version, release);
      if (found === null) continue;
      throw new OperatorError('SCHEMA_MISMATCH', `${found.message}: ${key}. ${found.hint}`, { hint: found.hint });
    }
  }
}

/** Where the statements lie that make a table: what Cassandra wrote into its snapshot, or the other program beside all. Null where nothing does. */
export async function statementsKey(
  { storage }: StepContext,
  { from, folder }: ForeignPart,
  tables: readonly ForeignTable[],
): Promise<string | null> {
  const own = tables.flatMap(({ files }) => files).find(({ path }) => path === 'schema.cql');
  if (own !== undefined) return own.key;
  const keyspace = tables[0]?.keyspace ?? '';
  for (const key of [`${from}/${folder}/schema.cql`, `${from}/schema_${keyspace}.cql`, `${from}/schema.cql`]) {
    if ((await storage.getDocument(key)) !== null) return key;
  }
  return null;
}

interface FoundPart {
  from: string;
  folder: string;
  prefix: string;
  /** Null: the forerunner's layout. */
  tree: ForeignTree | null;
}

async function findPart(context: StepContext): Promise<FoundPart> {
  const { storage, request } = context;
  const { cluster, executorId, backupName, adoptFrom } = request;
  const candidates = adoptFrom === undefined ? [frameworkName(cluster), cluster, backupName] : [adoptFrom];
  const others = new Set<string>();
  for (const from of candidates) {
    const prefix = foreignPrefix(from, executorId, backupName);
    if ((await storage.folders(prefix)).length > 0) return { from, folder: executorId, prefix, tree: null };
    const tree = from === cluster ? null : await readForeignTree(storage, from);
    const folder = tree === null ? null : await folderIn(context, from, tree);
    if (folder !== null) return { from, folder, prefix: `${from}/${folder}/`, tree };
    for (const node of tree?.nodes ?? []) others.add(`${from}/${node}`);
    for (const other of nodeFolders(await storage.folders(`${from}/`))) {
      if ((await storage.folders(`${from}/${other}/`)).includes(backupName)) others.add(`${from}/${other}`);
    }
  }
  throw notFound(context, candidates, [...others].toSorted());
}

async function folderIn(context: StepContext, from: string, tree: ForeignTree): Promise<string | null> {
  const { request, node, ip, hostname, signal } = context;
  const { tokens } = await node.health(signal);
  const adopter = { number: nodeNumber(request.executorId), ip, hostname, tokens };
  const ring = tree.snapshot === null ? undefined : await readRing(context, from);
  return ownFolder(tree, adopter, request.nodeMap, ring);
}

function notFound({ storage, request }: StepContext, candidates: string[], others: string[]): OperatorError {
  const { executorId, backupName } = request;
  const places = candidates.map((from) => foreignPrefix(from, executorId, backupName)).join(' or ');
  const there = others.length === 0 ? 'there is none' : `there is only ${others.join(', ')}`;
  return new OperatorError(
    'BACKUP_NOT_FOUND',
    `expected what another program stored of this node in ${places} of ${storage.url}, or in a folder of DC/OS Cassandra or cassandra_snapshotter, ` +
      `but ${there}. Name the folder with from; where the node has the tokens of another name, say so with nodeMap, or rename the executor's folder`,
  );
}

async function refuseOurs({ storage }: StepContext, prefix: string): Promise<void> {
  for (const document of ['manifest.json', 'started.json']) {
    if ((await storage.getDocument(prefix + document)) === null) continue;
    throw new OperatorError(
      'BAD_REQUEST',
      `expected a tree of another program, but ${prefix}${document} says that cassandra-mesos made it`,
    );
  }
}

/** All table folders of the keyspaces, those that hold nothing too. */
async function readTables(
  { storage, signal }: StepContext,
  prefix: string,
  keyspaces: string[],
): Promise<Pick<ForeignPart, 'keyspaces' | 'tables'>> {
  const tables: ForeignTable[] = [];
  for (const keyspace of keyspaces.filter((each) => !isSystemKeyspace(each))) {
    for (const folder of await storage.folders(`${prefix}${keyspace}/`)) {
      const own = `${prefix}${keyspace}/${folder}/`;
      const files: ForeignFile[] = [];
      for await (const { key, size, modified } of storage.list(own)) {
        signal.throwIfAborted();
        const path = key.slice(own.length);
        // Of what is deeper only an index's folder belongs to the table.
        if (/^(?:\.[^/]+\/)?[^/]+$/.test(path)) files.push({ key, path, size, modified });
      }
      tables.push({ keyspace, ...parseTableFolder(folder), prefix: own, files });
    }
  }
  return { keyspaces, tables };
}
