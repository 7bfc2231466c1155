import { isBackupName } from '../model/backup-name.ts';
import { unreadableMessage, type ForeignBackup } from '../model/foreign-backup.ts';
import { DCOS_NODE, firstVersion, foreignTreeBackup, isUsable, SNAPSHOTTER_NAME } from './foreign-trees.ts';
import { checkKey, nodeFolders, nodeKey, parseDocumentName, recordsPrefix } from './layout.ts';
import type { Storage } from './storage.ts';

/** As the forerunner names its executors, and we ours. */
const EXECUTOR_ID = /\.node\.\d+\.executor$/;

/** What we write beside a node's files, the first of them before the first file. */
const DOCUMENTS = ['started.json', 'manifest.json', 'schema.cql'];

/** Whose a node backup's folder is: ours; another program's; nobody's; or an adoption from a folder has begun there. */
type Maker = 'OURS' | 'FOREIGN' | 'NOBODY' | { adoptedFrom: string };

/** Folder of one node's part of a backup that another program made, with a `/` at the end. Throws BAD_REQUEST. */
export function foreignPrefix(framework: string, executorId: string, name: string): string {
  return `${checkKey(framework)}/${checkKey(executorId)}/${checkKey(name)}/`;
}

/**
 * What other programs have made at a location and could be adopted, by framework and name. Reads names of folders, and of each node's part
 * its first file; nothing of what has documents of ours, nor of other clusters that have any record.
 */
export async function listForeignBackups(
  storage: Storage,
  cluster: string,
  signal?: AbortSignal,
): Promise<ForeignBackup[]> {
  const found: ForeignBackup[] = [];
  for (const folder of (await storage.folders('')).filter(isUsable)) {
    if (folder !== cluster && (await hasRecords(storage, folder))) continue;
    const inside = nodeFolders(await storage.folders(`${folder}/`)).filter(isUsable);
    found.push(...(await listFramework(storage, cluster, folder, inside, signal)));
    // Our own folder is never another program's backup.
    const trees = folder === cluster ? [] : treesAround(folder, inside);
    for (const tree of trees) {
      signal?.throwIfAborted();
      const backup = await foreignTreeBackup(storage, tree);
      if (backup !== null) found.push(backup);
    }
  }
  return found;
}

/** Where the backups of other programs may lie that are told by their folders' names: no other folder is looked into. */
function treesAround(folder: string, inside: string[]): string[] {
  const isTree = SNAPSHOTTER_NAME.test(folder) || inside.some((name) => DCOS_NODE.test(name));
  return isTree ? [folder] : inside.filter((name) => SNAPSHOTTER_NAME.test(name)).map((name) => `${folder}/${name}`);
}

/** The forerunner's backups in one folder. */
async function listFramework(
  storage: Storage,
  cluster: string,
  framework: string,
  inside: string[],
  signal: AbortSignal | undefined,
): Promise<ForeignBackup[]> {
  const recorded = framework === cluster ? await recordedNames(storage, cluster) : new Set<string>();
  const byName = new Map<string, string[]>();
  for (const executorId of inside.filter((name) => EXECUTOR_ID.test(name))) {
    for (const name of await storage.folders(`${framework}/${executorId}/`)) {
      if (isUsable(name) && !recorded.has(name)) byName.set(name, [...(byName.get(name) ?? []), executorId]);
    }
  }
  const found: ForeignBackup[] = [];
  for (const [name, executorIds] of byName) {
    signal?.throwIfAborted();
    const backup = await foreignBackup(storage, framework, name, executorIds);
    if (backup !== null) found.push(backup);
  }
  return found;
}

/** Null where it is one of ours, or nothing that could be adopted. */
async function foreignBackup(
  storage: Storage,
  framework: string,
  name: string,
  executorIds: string[],
): Promise<ForeignBackup | null> {
  const nodes: string[] = [];
  const keyspaces = new Set<string>();
  const versions = new Set<string>();
  for (const executorId of executorIds) {
    const prefix = foreignPrefix(framework, executorId, name);
    const maker = await makerOf(storage, prefix);
    // What an adoption from another folder has brought here is listed there.
    if (maker === 'OURS' || (typeof maker === 'object' && maker.adoptedFrom !== framework)) return null;
    if (maker === 'NOBODY') continue;
    nodes.push(executorId);
    for (const keyspace of (await storage.folders(prefix)).filter(isUsable)) {
      const version = await firstVersion(storage, `${prefix}${keyspace}/`);
      if (version === null) continue;
      keyspaces.add(keyspace);
      versions.add(version);
    }
  }
  if (keyspaces.size === 0) return null;
  const sstableVersions = [...versions].toSorted();
  const message = whyNot(name, sstableVersions);
  return {
    madeBy: 'cassandra-mesos',
    framework,
    name,
    nodes,
    keyspaces: [...keyspaces].toSorted(),
    sstableVersions,
    message,
  };
}

function whyNot(name: string, versions: string[]): string | null {
  if (!isBackupName(name)) return 'its name is none that we take: rename its folders to one of A-Z a-z 0-9 . _ -';
  return unreadableMessage(versions);
}

/**
 * What is to be said of a backup of the cluster that has no record: another program made it, or its adoption has begun. Null where it is what
 * is left of one of ours. The first node that has anything decides: the catalogue asks for each of its backups.
 */
export async function foreignMessage(
  storage: Storage,
  cluster: string,
  name: string,
  nodes: readonly string[],
): Promise<string | null> {
  for (const executorId of nodes) {
    const maker = await makerOf(storage, `${nodeKey(cluster, executorId, name)}/`);
    if (maker === 'NOBODY') continue;
    if (maker === 'OURS') return null;
    if (maker === 'FOREIGN') return 'no document of ours is there: another program made it, and it can be adopted';
    return 'its adoption has begun and is not at its end: adopt it again, and it goes on';
  }
  return null;
}

/** True where another program's files lie in the folders of the cluster, without a record: a deletion would take them away for good. */
export async function holdsForeignFiles(
  storage: Storage,
  cluster: string,
  name: string,
  nodes: readonly string[],
): Promise<boolean> {
  for (const executorId of nodes) {
    const maker = await makerOf(storage, `${nodeKey(cluster, executorId, name)}/`);
    if (maker === 'FOREIGN' || (typeof maker === 'object' && maker.adoptedFrom === cluster)) return true;
  }
  return false;
}

/** From which folder the adoption of a node's part was begun, as its `started.json` says; null when none was. */
export function adoptedFrom(started: string): string | null {
  const text = /"adoptedFrom":\s*("(?:[^"\\]|\\["\\])*")/.exec(started)?.[1];
  return text === undefined ? null : String(JSON.parse(text));
}

async function makerOf(storage: Storage, prefix: string): Promise<Maker> {
  for (const document of DOCUMENTS) {
    const text = await storage.getDocument(prefix + document);
    if (text === null) continue;
    const folder = document === 'started.json' ? adoptedFrom(text) : null;
    return folder === null ? 'OURS' : { adoptedFrom: folder };
  }
  return (await firstVersion(storage, prefix)) === null ? 'NOBODY' : 'FOREIGN';
}

async function hasRecords(storage: Storage, folder: string): Promise<boolean> {
  return (await recordedNames(storage, folder)).size > 0;
}

/** Names that have a document in the folder of the records. */
async function recordedNames(storage: Storage, cluster: string): Promise<Set<string>> {
  const prefix = recordsPrefix(cluster);
  const names = new Set<string>();
  for await (const { key } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document !== null) names.add(document.name);
  }
  return names;
}
