import type { Cql, QueryOptions, Row } from './cql.ts';
import type { ColumnSchema, Schema, SchemaStatement, TableSchema } from './schema.ts';
import { SCHEMA_TYPES, sortStatements, withoutTableId } from './statements.ts';

const NAMED_TYPES = new Set<string>(SCHEMA_TYPES);

/**
 * Cassandra's own keyspaces: `system` and whatever it names `system_…`, today and later. A user's `systems` is not one.
 */
export function isSystemKeyspace(keyspace: string): boolean {
  return /^system(?:_|$)/.test(keyspace);
}

/** Reads the schema of all keyspaces that are not Cassandra's own, and of those in `also`. */
export async function readSchema(cql: Cql, also: string[], options: QueryOptions): Promise<Schema> {
  const wanted = (row: Row) => {
    const keyspace = unquoted(row, 'keyspace_name');
    return !isSystemKeyspace(keyspace) || also.includes(keyspace);
  };
  const select = async (table: string) =>
    (await cql.rows(`SELECT * FROM system_schema.${table}`, options)).filter(wanted);

  const [[local], described, columns, dropped, tables, views, keyspaces, types] = await Promise.all([
    cql.rows('SELECT schema_version FROM system.local', options),
    cql.rows('DESCRIBE FULL SCHEMA WITH INTERNALS', options),
    select('columns'),
    select('dropped_columns'),
    select('tables'),
    select('views'),
    select('keyspaces'),
    select('types'),
  ]);
  return {
    version: String(local?.['schema_version']),
    keyspaces: keyspaces.map((row) => name(row, 'keyspace_name')).sort(),
    tables: [
      ...tables.map((row) => tableSchema(row, name(row, 'table_name'), null, columns, dropped)),
      ...views.map((row) => tableSchema(row, name(row, 'view_name'), name(row, 'base_table_name'), columns, dropped)),
    ],
    types: types.map(typeSchema),
    statements: sortStatements(described.filter(wanted).flatMap(statement)),
  };
}

function tableSchema(row: Row, table: string, viewOf: string | null, columns: Row[], dropped: Row[]): TableSchema {
  const keyspace = name(row, 'keyspace_name');
  const ofTable = (entry: Row) => entry['keyspace_name'] === keyspace && entry['table_name'] === table;
  return {
    keyspace,
    table,
    id: String(row['id']),
    viewOf,
    columns: columns.filter(ofTable).map(columnSchema),
    droppedColumns: dropped.filter(ofTable).map((entry) => name(entry, 'column_name')),
  };
}

function columnSchema(row: Row): ColumnSchema {
  return {
    name: name(row, 'column_name'),
    kind: name(row, 'kind'),
    type: name(row, 'type'),
    position: Number(row['position']),
    clusteringOrder: name(row, 'clustering_order'),
  };
}

function typeSchema(row: Row): Schema['types'][number] {
  const types = row['field_types'] as string[];
  const fields = (row['field_names'] as string[]).map((field, index) => ({ name: field, type: types[index] ?? '' }));
  return { keyspace: name(row, 'keyspace_name'), name: name(row, 'type_name'), fields };
}

/**
 * One row of DESCRIBE (Cassandra 4.0+: CASSANDRA-14825). Its names are as in CQL, with quotes where they need them; tables
 * come without their indexes and views, which have rows of their own.
 */
function statement(row: Row): SchemaStatement[] {
  const type = name(row, 'type');
  if (!NAMED_TYPES.has(type)) return [];
  return [
    {
      keyspace: unquoted(row, 'keyspace_name'),
      type: type as SchemaStatement['type'],
      name: unquoted(row, 'name'),
      cql: withoutTableId(name(row, 'create_statement')),
    },
  ];
}

function name(row: Row, column: string): string {
  return String(row[column]);
}

function unquoted(row: Row, column: string): string {
  const text = name(row, column);
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}
