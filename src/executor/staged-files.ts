import { join } from 'node:path';
import { parseComponent } from '../cassandra/sstables.ts';
import type { ManifestFile } from '../model/backup.ts';
import type { BackupSource } from './backup-source.ts';
import { stagedTableDirectory, type StagedTable } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';

/** A file of the backup on its way to staging. */
export interface FileToStage extends ManifestFile {
  keyspace: string;
  table: string;
  /** File name. */
  component: string;
  /** Absolute path in staging. */
  target: string;
}

/**
 * The files that a restore into a running node needs. Those of indexes, in folders of their own, it does not: Cassandra
 * builds the indexes anew when it loads the table.
 */
export function filesToStage(
  place: Pick<StepContext, 'stagingDirectories'>,
  folder: string,
  { manifest, selection }: Pick<BackupSource, 'manifest' | 'selection'>,
): FileToStage[] {
  const selected = new Set(selection.tables.map(({ keyspace, table }) => `${keyspace}/${table}`));
  return manifest.files.flatMap((file) => {
    const [keyspace = '', table = '', component = '', ...deeper] = file.path.split('/');
    if (!selected.has(`${keyspace}/${table}`) || deeper.length > 0 || parseComponent(component) === null) return [];
    const directory = stagedTableDirectory(place, folder, { keyspace, table }, file.dataDirectory);
    return [{ ...file, keyspace, table, component, target: join(directory, component) }];
  });
}

/** The tables with their SSTables, base tables before their views: a view is filled after its base. */
export function tablesToLoad({ selection }: Pick<BackupSource, 'selection'>, files: FileToStage[]): StagedTable[] {
  const order = [...selection.tables].sort((a, b) => Number(a.viewOf !== null) - Number(b.viewOf !== null));
  return order.map(({ keyspace, table, viewOf }) => {
    const sstables = new Map<string, StagedTable['sstables'][number]>();
    for (const file of files) {
      if (file.keyspace !== keyspace || file.table !== table) continue;
      const parsed = parseComponent(file.component);
      const id = `${file.dataDirectory} ${parsed?.version}-${parsed?.id}-${parsed?.format}`;
      const sstable = sstables.get(id) ?? { dataDirectory: file.dataDirectory, components: [], bytes: 0 };
      sstable.components.push(file.component);
      sstable.bytes += file.size;
      sstables.set(id, sstable);
    }
    return { keyspace, table, viewOf, sstables: [...sstables.values()] };
  });
}
