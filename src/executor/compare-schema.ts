import type { ColumnSchema, Schema } from '../cassandra/schema.ts';
import type { ManifestTable, NodeManifest } from '../model/backup.ts';

type Backup = Pick<NodeManifest, 'types'> & { tables: readonly ManifestTable[] };
type Live = Pick<Schema, 'tables' | 'types'>;

/**
 * Why the live schema cannot take the backed-up SSTables, one sentence each; empty when it can. Tables and types
 * that are missing here are no reason: they are created. Columns that came later are none: they read as null.
 */
export function compareSchema(backup: Backup, live: Live): string[] {
  const liveTables = new Map(live.tables.map((table) => [`${table.keyspace}.${table.table}`, table]));
  const backedUp = new Set(backup.tables.map((table) => `${table.keyspace}.${table.table}`));
  return [
    ...backup.tables.flatMap((table) => {
      const name = `${table.keyspace}.${table.table}`;
      const present = liveTables.get(name);
      return present === undefined ? [] : compareTable(name, table, present);
    }),
    ...missingViews(live, backedUp),
    ...compareTypes(backup, live),
  ];
}

function compareTable(name: string, backup: ManifestTable, live: Schema['tables'][number]): string[] {
  if (backup.viewOf !== live.viewOf) {
    return [`${name} is ${kindOf(live.viewOf)} here, but ${kindOf(backup.viewOf)} in the backup`];
  }
  const here = new Map(live.columns.map((column) => [column.name, column]));
  const refusals = backup.columns.flatMap((column) => compareColumn(name, column, here.get(column.name), live));

  const known = new Set(backup.columns.map((column) => column.name));
  for (const column of live.columns) {
    if (known.has(column.name) || !isKey(column)) continue;
    refusals.push(`column ${column.name} of ${name} is part of the primary key here, but is not in the backup`);
  }
  // Cassandra hides every cell that is older than the column's drop, also after the column came back.
  for (const column of live.droppedColumns) {
    if (!known.has(column) || backup.droppedColumns.includes(column) || !here.has(column)) continue;
    refusals.push(
      `column ${column} of ${name} was dropped and added again since the backup; its old data would be hidden`,
    );
  }
  return refusals;
}

function compareColumn(
  table: string,
  backup: ColumnSchema,
  live: ColumnSchema | undefined,
  { droppedColumns }: { droppedColumns: string[] },
): string[] {
  const name = `column ${backup.name} of ${table}`;
  if (live === undefined) {
    return [
      droppedColumns.includes(backup.name) ? `${name} was dropped since the backup` : `${name} does not exist here`,
    ];
  }
  const refusals: string[] = [];
  if (live.type !== backup.type) refusals.push(`${name} is ${live.type} here, but ${backup.type} in the backup`);
  if (live.kind !== backup.kind) refusals.push(`${name} is ${live.kind} here, but ${backup.kind} in the backup`);
  else if (isKey(live) && live.position !== backup.position) {
    refusals.push(`${name} is at place ${live.position} of its key here, but at ${backup.position} in the backup`);
  }
  if (live.clusteringOrder.toLowerCase() !== backup.clusteringOrder.toLowerCase()) {
    refusals.push(`${name} is ordered ${live.clusteringOrder} here, but ${backup.clusteringOrder} in the backup`);
  }
  return refusals;
}

/** A view that is not in the backup would be emptied with its base table and stay empty. */
function missingViews(live: Live, backedUp: Set<string>): string[] {
  return live.tables
    .filter(({ keyspace, viewOf }) => viewOf !== null && backedUp.has(`${keyspace}.${viewOf}`))
    .filter(({ keyspace, table }) => !backedUp.has(`${keyspace}.${table}`))
    .map(
      ({ keyspace, table, viewOf }) =>
        `view ${keyspace}.${table} of ${keyspace}.${viewOf} is not in the backup and would be left empty; drop it first`,
    );
}

/** Fields that were added at the end are fine; anything else changes what the stored bytes mean. */
function compareTypes(backup: Backup, live: Live): string[] {
  const keyspaces = new Set(backup.tables.map((table) => table.keyspace));
  const here = new Map(live.types.map((type) => [`${type.keyspace}.${type.name}`, type.fields]));
  return backup.types
    .filter((type) => keyspaces.has(type.keyspace))
    .flatMap((type) => {
      const name = `${type.keyspace}.${type.name}`;
      const fields = here.get(name);
      if (fields === undefined) return [];
      const same = type.fields.every(
        (field, place) => fields[place]?.name === field.name && fields[place].type === field.type,
      );
      return same ? [] : [`type ${name} is (${describe(fields)}) here, but (${describe(type.fields)}) in the backup`];
    });
}

function isKey({ kind }: { kind: string }): boolean {
  return kind === 'partition_key' || kind === 'clustering';
}

function kindOf(viewOf: string | null): string {
  return viewOf === null ? 'a table' : `a view of ${viewOf}`;
}

function describe(fields: readonly { name: string; type: string }[]): string {
  return fields.map((field) => `${field.name} ${field.type}`).join(', ');
}
