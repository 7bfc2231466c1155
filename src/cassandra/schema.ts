/** One object of the schema with the statement that makes it, in the order in which they can be made. */
export interface SchemaStatement {
  keyspace: string;
  /** As Cassandra's DESCRIBE names it. */
  type: 'keyspace' | 'type' | 'function' | 'aggregate' | 'table' | 'index' | 'materialized_view' | 'trigger';
  name: string;
  /** One or more CQL statements (a table with dropped columns has ALTERs), without a table id. */
  cql: string;
}

export interface ColumnSchema {
  name: string;
  /** partition_key, clustering, regular, static. */
  kind: string;
  type: string;
  position: number;
  clusteringOrder: string;
}

export interface TableSchema {
  keyspace: string;
  table: string;
  /** Table id as UUID with dashes; the table's directory ends with it without dashes. */
  id: string;
  /** For a materialized view: its base table. */
  viewOf: string | null;
  columns: ColumnSchema[];
  droppedColumns: string[];
}

export interface Schema {
  version: string;
  keyspaces: string[];
  /** Tables and materialized views. */
  tables: TableSchema[];
  /** User-defined types: name to fields in order. */
  types: { keyspace: string; name: string; fields: { name: string; type: string }[] }[];
  statements: SchemaStatement[];
}
