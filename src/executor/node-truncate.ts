import type { Schema, SchemaStatement } from '../cassandra/schema.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { readSource, schemaNow } from './backup-source.ts';
import { missingSchema } from './missing-schema.ts';
import type { StepContext } from './step-context.ts';

/**
 * Once for the cluster: makes what the backup has and the cluster lacks, empties the tables, and then makes the missing
 * indexes and views of those tables. Done again after a failure it comes to the same.
 */
export async function nodeTruncate(context: StepContext): Promise<void> {
  const { node, reporter, signal } = context;
  const tables = await prepare(context);
  for (const [index, { keyspace, table }] of tables.names.entries()) {
    const name = `${keyspace}.${table}`;
    signal.throwIfAborted();
    reporter.current(name);
    try {
      await node.truncate(keyspace, table, signal);
    } catch (error) {
      const so =
        index === 0 ? 'it was the first table' : `${index} of ${tables.names.length} tables were truncated before`;
      throw wrapError(`truncate ${name} (${so})`, error, 'CASSANDRA_ERROR');
    }
    reporter.table(keyspace, table);
  }
  for (const statement of tables.after) await make(context, statement);
  context.log.info({ tables: tables.names.length }, 'tables truncated');
}

/** All that must hold before anything is emptied. */
async function prepare(
  context: StepContext,
): Promise<{ names: { keyspace: string; table: string }[]; after: SchemaStatement[] }> {
  try {
    const { manifest, selection } = await readSource(context);
    const { before, after } = missingSchema(manifest, await schemaNow(context, selection.keyspaces), selection);
    for (const statement of before) await make(context, statement);
    const coming = new Set(after.map(({ keyspace, name }) => `${keyspace}.${name}`));
    const wanted = (context.request.truncateTables ?? []).filter((name) => !coming.has(name));
    return { names: baseTables(await schemaNow(context, selection.keyspaces), wanted), after };
  } catch (error) {
    throw wrapError('nothing was truncated', error);
  }
}

/** Views are emptied with their base tables and cannot be truncated by themselves. Throws SCHEMA_MISMATCH. */
function baseTables({ tables }: Schema, wanted: readonly string[]): { keyspace: string; table: string }[] {
  return wanted.flatMap((name) => {
    const live = tables.find(({ keyspace, table }) => `${keyspace}.${table}` === name);
    if (live !== undefined) return live.viewOf === null ? [live] : [];
    throw new OperatorError('SCHEMA_MISMATCH', `expected table ${name} to exist, it does not`, {
      hint: 'Was it dropped while the restore ran? Start the restore again.',
    });
  });
}

async function make(
  { node, reporter, signal }: StepContext,
  { type, keyspace, name, cql }: SchemaStatement,
): Promise<void> {
  const what = `${type.replace('_', ' ')} ${type === 'keyspace' ? keyspace : `${keyspace}.${name}`}`;
  reporter.current(what);
  try {
    await node.execute(cql, signal);
  } catch (error) {
    throw wrapError(`create ${what}`, error, 'CASSANDRA_ERROR');
  }
}
