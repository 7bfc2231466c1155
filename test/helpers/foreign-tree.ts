import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseComponent, renameComponent } from '../../src/cassandra/sstables.ts';
import { componentsOf } from './sstable-files.ts';
import { EXECUTOR_ID, type Host } from './step-context.ts';

/** The forerunner's framework name of a cluster called dev. */
export const FRAMEWORK = 'cassandra.dev';

export interface ForeignOptions {
  framework?: string;
  executorId?: string;
  name?: string;
  /** Generation ids of the SSTables, in the order in which they are given. */
  ids?: string[];
  /** Name of the table's folder; the forerunner's is the table's name alone. */
  folder?: string;
  /** Cassandra's own list of the snapshot is left there, as the forerunner did. */
  listed?: boolean;
}

/** Where the forerunner stored a table. */
export function foreignFolder(host: Host, keyspace: string, table: string, options: ForeignOptions = {}): string {
  const { framework = FRAMEWORK, executorId = EXECUTOR_ID, name = 'monday', folder = table } = options;
  return join(host.root, 'backup', framework, executorId, name, keyspace, folder);
}

/** Stores SSTables of a table, each by its Data.db, as the forerunner did: plain copies without any document. Returns their folder. */
export function storeForeign(host: Host, dataFiles: string[], options: ForeignOptions = {}): string {
  const [first = ''] = dataFiles;
  const [keyspace = '', tableFolder = ''] = dirname(first).split('/').slice(-2);
  const folder = foreignFolder(host, keyspace, tableFolder.replace(/-[0-9a-f]{32}$/, ''), options);
  mkdirSync(folder, { recursive: true });
  const names: string[] = [];
  for (const [index, data] of dataFiles.entries()) {
    for (const path of componentsOf(data)) {
      const parsed = parseComponent(basename(path));
      if (parsed === null) continue;
      const target = join(folder, renameComponent(parsed, options.ids?.[index] ?? parsed.id));
      copyFileSync(path, target);
      if (parsed.component === 'Data.db') names.push(target);
    }
  }
  // The directory node does without an index, which Cassandra would not.
  for (const data of names) {
    writeFileSync(data.replace(/Data\.db$/, 'Index.db'), `index of ${readFileSync(data, 'utf8')}`);
    writeFileSync(data.replace(/Data\.db$/, 'TOC.txt'), 'Data.db\nIndex.db\nStatistics.db\nDigest.crc32\nTOC.txt\n');
  }
  if (options.listed) {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ files: names.map((name) => basename(name)) }));
  }
  return folder;
}

/** Everything below a folder: path, content, time of its last change and inode. */
export function treeOf(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    paths.flatMap((path) => {
      const stats = lstatSync(join(root, path));
      if (!stats.isFile()) return [];
      return [[path, `${readFileSync(join(root, path), 'utf8')} ${stats.mtimeMs} ${stats.ino}`]];
    }),
  );
}
