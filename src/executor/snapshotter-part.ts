import { parseComponent } from '../cassandra/sstables.ts';
import { parseSnapshotterKey } from '../storage/foreign-trees.ts';
import { parseTableFolder, type ForeignFile, type ForeignTable } from './foreign-files.ts';
import { parseRing, type ForeignRing } from './own-folder.ts';
import type { StepContext } from './step-context.ts';

/** Addresses and tokens of the ring as cassandra_snapshotter has noted them beside a snapshot; empty where it has not. */
export async function readRing({ storage }: StepContext, from: string): Promise<ForeignRing> {
  return parseRing((await storage.getDocument(`${from}/ring`)) ?? '');
}

/**
 * What cassandra_snapshotter has stored of a node: the snapshot and, where Cassandra made incremental backups, all SSTables that were flushed
 * since, from all data directories. An SSTable that lies in several folders is taken whole from the first, that of the snapshot before others.
 */
export async function readSnapshotterTables(
  { storage, signal }: StepContext,
  prefix: string,
  snapshot: string,
): Promise<{ keyspaces: string[]; tables: ForeignTable[] }> {
  const tables = new Map<string, Found>();
  for await (const { key, size, modified } of storage.list(prefix)) {
    signal.throwIfAborted();
    const parsed = parseSnapshotterKey(key.slice(prefix.length), snapshot);
    if (parsed === null) continue;
    const { keyspace, tableFolder, isSnapshot, name, isLzop } = parsed;
    const place = key.slice(0, key.lastIndexOf('/') + 1);
    const table = tables.get(`${keyspace}/${tableFolder}`) ?? { keyspace, tableFolder, folders: new Map() };
    const folder = table.folders.get(place) ?? { isSnapshot, files: [] };
    folder.files.push({ key, path: name, size, modified, ...(isLzop ? { compression: 'lzop' as const } : {}) });
    table.folders.set(place, folder);
    tables.set(`${keyspace}/${tableFolder}`, table);
  }
  const keyspaces = new Set([...tables.values()].map(({ keyspace }) => keyspace));
  return { keyspaces: [...keyspaces].toSorted(), tables: [...tables.values()].map(merged) };
}

/** A table's files by the folder that they lie in. */
interface Found {
  keyspace: string;
  tableFolder: string;
  folders: Map<string, { isSnapshot: boolean; files: ForeignFile[] }>;
}

function merged({ keyspace, tableFolder, folders }: Found): ForeignTable {
  const ordered = [...folders].toSorted(([, left], [, right]) => Number(right.isSnapshot) - Number(left.isSnapshot));
  const files: ForeignFile[] = [];
  const twins: ForeignFile[] = [];
  const taken = new Map<string, string>();
  for (const [place, folder] of ordered) {
    for (const file of folder.files) {
      const whole = unitOf(file.path);
      if (!taken.has(whole)) taken.set(whole, place);
      (taken.get(whole) === place ? files : twins).push(file);
    }
  }
  return { keyspace, ...parseTableFolder(tableFolder), prefix: ordered[0]?.[0] ?? '', files, twins };
}

/** What belongs together: the SSTable, or a file for itself. */
function unitOf(name: string): string {
  const sstable = parseComponent(name);
  return sstable === null ? name : `${sstable.version}-${sstable.id}-${sstable.format}`;
}
