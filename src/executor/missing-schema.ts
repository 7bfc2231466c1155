import type { Schema, SchemaStatement } from '../cassandra/schema.ts';
import type { NodeManifest } from '../model/backup.ts';
import type { Selection, TableName } from './selection.ts';

export interface MissingSchema {
  /** To be made before anything is emptied: it concerns only what is not there yet. */
  before: SchemaStatement[];
  /** Indexes, views and triggers of tables that exist: made once those are empty, so that they start out empty too. */
  after: SchemaStatement[];
}

/** What the backup's schema has and the live one lacks, in the order in which it can be made. */
export function missingSchema(
  manifest: Pick<NodeManifest, 'schema' | 'tables'>,
  live: Pick<Schema, 'statements' | 'tables' | 'keyspaces'>,
  selection: Pick<Selection<TableName>, 'keyspaces' | 'tables'>,
): MissingSchema {
  const keyspaces = new Set(selection.keyspaces);
  const selected = new Set(selection.tables.map((table) => `${table.keyspace}.${table.table}`));
  const here = new Set(live.statements.map(identify));
  for (const keyspace of live.keyspaces) here.add(`keyspace ${keyspace} ${keyspace}`);
  const liveTables = new Set(live.tables.map((table) => `${table.keyspace}.${table.table}`));

  const before: SchemaStatement[] = [];
  const after: SchemaStatement[] = [];
  for (const statement of manifest.schema as SchemaStatement[]) {
    if (!keyspaces.has(statement.keyspace) || here.has(identify(statement))) continue;
    const table = tableOf(statement, manifest.tables);
    if (table === null) {
      before.push(statement);
    } else if (selected.has(table.name)) {
      (liveTables.has(table.base) ? after : before).push(statement);
    }
  }
  return { before, after };
}

function identify({ type, keyspace, name }: SchemaStatement): string {
  return `${type} ${keyspace} ${name}`;
}

/**
 * The table that must be selected for the statement to be wanted, and the one that must exist for it; null where
 * the statement belongs to the keyspace. DESCRIBE names an index by itself: its table stands after ON.
 */
function tableOf(statement: SchemaStatement, tables: NodeManifest['tables']): { name: string; base: string } | null {
  const { keyspace, type, name, cql } = statement;
  switch (type) {
    case 'table':
      return { name: `${keyspace}.${name}`, base: `${keyspace}.${name}` };
    case 'materialized_view': {
      const view = tables.find((table) => table.keyspace === keyspace && table.table === name);
      return { name: `${keyspace}.${name}`, base: `${keyspace}.${view?.viewOf ?? ''}` };
    }
    case 'index':
    case 'trigger': {
      const on = /\bON\s+(?:"(?:[^"]|"")+"|\w+)\.("(?:[^"]|"")+"|\w+)/i.exec(cql)?.[1] ?? '';
      const table = on.startsWith('"') ? on.slice(1, -1).replaceAll('""', '"') : on;
      return { name: `${keyspace}.${table}`, base: `${keyspace}.${table}` };
    }
    default:
      return null;
  }
}
