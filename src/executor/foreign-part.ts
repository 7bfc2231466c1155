import { isSystemKeyspace } from '../cassandra/read-schema.ts';
import { OperatorError } from '../errors.ts';
import { frameworkName } from '../model/node.ts';
import { sstableVersion, whyUnreadable } from '../model/sstable-version.ts';
import { foreignPrefix } from '../storage/foreign-backups.ts';
import { nodeFolders } from '../storage/layout.ts';
import type { StepContext } from './step-context.ts';

export interface ForeignFile {
  /** At the location. */
  key: string;
  /** In its table's folder; an index's files are in `.<index name>/`. */
  path: string;
  size: number;
  /** Epoch ms of its last change. */
  modified: number;
}

/** One table's folder in a tree of another program. */
export interface ForeignTable {
  keyspace: string;
  table: string;
  /** 32 hex digits, where the folder's name has them; the forerunner left them out. */
  id: string | null;
  /** With a `/` at the end. */
  prefix: string;
  files: ForeignFile[];
}

/** What another program has stored of a node under a backup's name. */
export interface ForeignPart {
  /** The folder of the location that holds the executors' folders. */
  from: string;
  /** They are the very folders in which our own backups lie. */
  inPlace: boolean;
  keyspaces: string[];
  tables: ForeignTable[];
}

const TABLE_FOLDER = /^(.+)-([0-9a-f]{32})$/;

/**
 * Looks at what lies under this node's executor id, names and sizes alone. System keyspaces are left out, as in backups. Throws
 * BACKUP_NOT_FOUND, BAD_REQUEST for what is a backup of ours, NOTHING_TO_BACK_UP.
 */
export async function readForeignPart(context: StepContext): Promise<ForeignPart> {
  const { storage, request } = context;
  const { from, prefix } = await findPart(context);
  const inPlace = from === request.cluster;
  if (!inPlace) await refuseOurs(context, prefix);
  const keyspaces = (await storage.folders(prefix)).filter((keyspace) => !isSystemKeyspace(keyspace));
  const tables: ForeignTable[] = [];
  for (const keyspace of keyspaces) tables.push(...(await tablesOf(context, keyspace, `${prefix}${keyspace}/`)));
  if (keyspaces.length > 0) return { from, inPlace, keyspaces, tables };
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

async function findPart({ storage, request }: StepContext): Promise<{ from: string; prefix: string }> {
  const { cluster, executorId, backupName, adoptFrom } = request;
  const candidates = adoptFrom === undefined ? [frameworkName(cluster), cluster] : [adoptFrom];
  const others = new Set<string>();
  for (const from of candidates) {
    const prefix = foreignPrefix(from, executorId, backupName);
    if ((await storage.folders(prefix)).length > 0) return { from, prefix };
    for (const other of nodeFolders(await storage.folders(`${from}/`))) {
      if ((await storage.folders(`${from}/${other}/`)).includes(backupName)) others.add(`${from}/${other}`);
    }
  }
  const places = candidates.map((from) => foreignPrefix(from, executorId, backupName)).join(' or ');
  const there = others.size === 0 ? 'there is none' : `there is only ${[...others].toSorted().join(', ')}`;
  throw new OperatorError(
    'BACKUP_NOT_FOUND',
    `expected what another program stored of this node in ${places} of ${storage.url}, but ${there}. ` +
      "Name the folder with from, or rename the executor's folder to this node's id where the node has its tokens",
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

/** All table folders of a keyspace, those that hold nothing too. */
async function tablesOf({ storage, signal }: StepContext, keyspace: string, prefix: string): Promise<ForeignTable[]> {
  const tables: ForeignTable[] = [];
  for (const folder of await storage.folders(prefix)) {
    const [, table = folder, id = null] = TABLE_FOLDER.exec(folder) ?? [];
    const files: ForeignFile[] = [];
    for await (const { key, size, modified } of storage.list(`${prefix}${folder}/`)) {
      signal.throwIfAborted();
      const path = key.slice(prefix.length + folder.length + 1);
      // Of what is deeper only an index's folder belongs to the table.
      if (/^(?:\.[^/]+\/)?[^/]+$/.test(path)) files.push({ key, path, size, modified });
    }
    tables.push({ keyspace, table, id, prefix: `${prefix}${folder}/`, files });
  }
  return tables;
}
