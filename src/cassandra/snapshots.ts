import type { Dirent } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, wrapError } from '../errors.ts';

/** Every snapshot that we take begins with it, so that left-over ones are known as ours. */
export const SNAPSHOT_PREFIX = 'cassandra-mesos-';

/** Table directories are `<table>-<32 hex of the table id>` (Cassandra's Directories, since 2.1). */
const TABLE_DIRECTORY = /^(\w+)-([0-9a-f]{32})$/;
/** Files in a snapshot that Cassandra writes for the reader of it, not SSTable components. */
const NOT_COMPONENTS = new Set(['manifest.json', 'schema.cql']);

export interface SnapshotFile {
  /** Relative to the snapshot; an index's files are in `.<index name>/`. */
  path: string;
  /** Bytes. */
  size: number;
}

/** What one data directory holds of one table's snapshot. */
export interface SnapshotTable {
  table: string;
  /** 32 hex digits. */
  id: string;
  /** Index into the data directories (JBOD). */
  dataDirectory: number;
  /** Absolute path of the snapshot's folder. */
  path: string;
  /** SSTable components. */
  files: SnapshotFile[];
  /** The Data.db files that Cassandra's own manifest.json names; null where this folder has no manifest. */
  listed: string[] | null;
}

/** A snapshot's tag: it says which backup took it. */
export function snapshotTag(backupName: string, jobUuid: string): string {
  return `${SNAPSHOT_PREFIX}${backupName}-${jobUuid}`;
}

/** The folders of a snapshot in all data directories. A keyspace without tables has none. */
export async function scanSnapshot(dataDirectories: string[], keyspace: string, tag: string): Promise<SnapshotTable[]> {
  const found: SnapshotTable[] = [];
  for (const [dataDirectory, directory] of dataDirectories.entries()) {
    for (const { table, id, path: tablePath } of await tableDirectories(join(directory, keyspace))) {
      const path = join(tablePath, 'snapshots', tag);
      if ((await entriesOf(path)) === null) continue;
      found.push({ table, id, dataDirectory, path, files: await filesOf(path), listed: await listedIn(path) });
    }
  }
  return found;
}

/**
 * Proof that a snapshot is whole: every table has its folder and Cassandra's own manifest in it, and every SSTable that
 * this names is there. `expectedTables` are the keyspace's live tables and views. Throws SNAPSHOT_FAILED with what is missing.
 */
export function checkSnapshot(scan: SnapshotTable[], expectedTables: { table: string; id: string }[]): void {
  for (const expected of expectedTables) {
    const id = expected.id.replaceAll('-', '');
    const folders = scan.filter((entry) => entry.id === id);
    const fail = (what: string) => {
      throw new OperatorError('SNAPSHOT_FAILED', `snapshot of table ${expected.table} (${id}) is not whole: ${what}`);
    };
    if (folders.length === 0) fail('it has no folder');
    const listed = folders.flatMap((folder) => folder.listed ?? []);
    if (folders.every((folder) => folder.listed === null)) fail('its manifest.json is missing');
    const present = new Set(folders.flatMap((folder) => folder.files.map((file) => file.path)));
    const missing = listed.filter((path) => !present.has(path));
    if (missing.length > 0) fail(`${missing.join(', ')} of its manifest.json is not there`);
  }
}

/** Tags of ours that lie in the data directories, of whatever backup. */
export async function findOwnSnapshots(dataDirectories: string[]): Promise<string[]> {
  const tags = new Set<string>();
  for await (const { tag } of ownSnapshotFolders(dataDirectories)) tags.add(tag);
  return [...tags].sort();
}

/** Removes snapshots of ours from the file system. Only while no Cassandra runs on these directories. */
export async function removeOwnSnapshots(dataDirectories: string[]): Promise<void> {
  for await (const { path } of ownSnapshotFolders(dataDirectories)) await rm(path, { recursive: true, force: true });
}

/**
 * The snapshots that Cassandra took by itself of a table before it was truncated (auto_snapshot), since `sinceMs` (epoch ms,
 * by the clock of Cassandra's host); newest first. Named `truncated-<epoch ms>-<table>` by Cassandra's Keyspace.
 */
export async function listSafetySnapshots(
  dataDirectories: string[],
  keyspace: string,
  tableId: string,
  sinceMs: number,
): Promise<{ tag: string; takenMs: number; paths: string[] }[]> {
  const id = tableId.replaceAll('-', '');
  const found = new Map<string, { tag: string; takenMs: number; paths: string[] }>();
  for (const directory of dataDirectories) {
    const tables = await tableDirectories(join(directory, keyspace));
    for (const { path } of tables.filter((table) => table.id === id)) {
      for (const entry of (await entriesOf(join(path, 'snapshots'))) ?? []) {
        const takenMs = Number(/^truncated-(\d+)-/.exec(entry.name)?.[1] ?? Number.NaN);
        if (!(takenMs >= sinceMs)) continue;
        const snapshot = found.get(entry.name) ?? { tag: entry.name, takenMs, paths: [] };
        snapshot.paths.push(join(path, 'snapshots', entry.name));
        found.set(entry.name, snapshot);
      }
    }
  }
  return [...found.values()].sort((left, right) => right.takenMs - left.takenMs);
}

async function* ownSnapshotFolders(dataDirectories: string[]): AsyncGenerator<{ tag: string; path: string }> {
  for (const directory of dataDirectories) {
    for (const keyspace of (await entriesOf(directory)) ?? []) {
      for (const { path } of await tableDirectories(join(directory, keyspace.name))) {
        for (const { name } of (await entriesOf(join(path, 'snapshots'))) ?? []) {
          if (name.startsWith(SNAPSHOT_PREFIX)) yield { tag: name, path: join(path, 'snapshots', name) };
        }
      }
    }
  }
}

async function tableDirectories(keyspacePath: string): Promise<{ table: string; id: string; path: string }[]> {
  return ((await entriesOf(keyspacePath)) ?? []).flatMap((entry) => {
    const [, table, id] = TABLE_DIRECTORY.exec(entry.name) ?? [];
    return entry.isDirectory() && table && id ? [{ table, id, path: join(keyspacePath, entry.name) }] : [];
  });
}

/** Components in the snapshot and, one level deeper, in its index folders. Regular files only: links lead elsewhere. */
async function filesOf(snapshotPath: string): Promise<SnapshotFile[]> {
  const paths: string[] = [];
  for (const entry of (await entriesOf(snapshotPath)) ?? []) {
    if (entry.isFile() && !NOT_COMPONENTS.has(entry.name)) paths.push(entry.name);
    if (!entry.isDirectory() || !entry.name.startsWith('.')) continue;
    for (const inner of (await entriesOf(join(snapshotPath, entry.name))) ?? []) {
      if (inner.isFile() && !NOT_COMPONENTS.has(inner.name)) paths.push(join(entry.name, inner.name));
    }
  }
  const files = await Promise.all(paths.map((path) => fileAt(snapshotPath, path)));
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

async function fileAt(root: string, path: string): Promise<SnapshotFile> {
  return { path, size: (await stat(join(root, path))).size };
}

/** `{"files":["nb-1-big-Data.db", …]}` as Cassandra wrote it. Null when there is none. */
async function listedIn(snapshotPath: string): Promise<string[] | null> {
  const path = join(snapshotPath, 'manifest.json');
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as { files?: unknown };
    if (!Array.isArray(manifest.files)) throw new SyntaxError('it has no list of files');
    return manifest.files.map(String);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ENOENT') return null;
    throw wrapError(`read Cassandra's ${path}`, error, 'SNAPSHOT_FAILED');
  }
}

/** Null when there is no such directory, or it is a file. */
async function entriesOf(path: string): Promise<Dirent[] | null> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw wrapError(`list ${path}`, error);
  }
}
