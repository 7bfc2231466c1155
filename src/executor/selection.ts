/** What a schema and a manifest have in common: the names that a filter is held against. */
export interface Catalogue<T extends TableName> {
  keyspaces: readonly string[];
  tables: readonly T[];
}

export interface TableName {
  keyspace: string;
  table: string;
  /** For a materialized view: its base table. */
  viewOf: string | null;
}

export interface Selection<T extends TableName> {
  keyspaces: string[];
  tables: T[];
  /** Names that were asked for and do not exist: `keyspace` or `keyspace.table`. */
  unknown: { keyspace: string; name: string }[];
}

/**
 * Applies a job's filter. Keyspaces that have tables of their own named are narrowed to these, so that no more
 * is touched than what was named. A base table and its views belong together: TRUNCATE empties both, and
 * restoring either alone would leave them at odds.
 */
export function select<T extends TableName>(
  catalogue: Catalogue<T>,
  filter: { keyspaces: readonly string[] | null; tables: readonly string[] | null },
): Selection<T> {
  const byTable = new Map<string, string[]>();
  for (const name of filter.tables ?? []) {
    const keyspace = name.split('.', 1)[0] ?? '';
    byTable.set(keyspace, [...(byTable.get(keyspace) ?? []), name]);
  }
  const everything = filter.keyspaces === null && filter.tables === null;
  const asked = new Set(everything ? catalogue.keyspaces : [...(filter.keyspaces ?? []), ...byTable.keys()]);
  const keyspaces = catalogue.keyspaces.filter((keyspace) => asked.has(keyspace));

  const known = new Set(catalogue.tables.map((table) => `${table.keyspace}.${table.table}`));
  const unknown = [...asked]
    .filter((keyspace) => !keyspaces.includes(keyspace))
    .map((keyspace) => ({ keyspace, name: keyspace }));
  for (const [keyspace, names] of byTable) {
    if (!keyspaces.includes(keyspace)) continue;
    for (const name of names) if (!known.has(name)) unknown.push({ keyspace, name });
  }

  const tables = keyspaces.flatMap((keyspace) => {
    const all = catalogue.tables.filter((table) => table.keyspace === keyspace);
    const names = byTable.get(keyspace);
    if (names === undefined) return all;
    const bases = new Set(
      all.filter((table) => names.includes(`${keyspace}.${table.table}`)).map((table) => table.viewOf ?? table.table),
    );
    return all.filter((table) => bases.has(table.viewOf ?? table.table));
  });
  return { keyspaces, tables, unknown };
}
