import type { TestFn } from 'ava';
import type cassandra from 'cassandra-driver';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { clientOf, sharedRing } from './ring.ts';

export interface SmallContext {
  ring: LocalRing;
  client: cassandra.Client;
}

/** Gives every test of a file the shared ring with a small keyspace on it, which goes after the last one. */
export function useSmall(test: TestFn<SmallContext>, keyspace: string): void {
  test.before(async (t) => {
    const ring = sharedRing();
    const client = clientOf(ring);
    await drop(client, keyspace);
    await createSmall(client, keyspace);
    t.context = { ring, client };
  });
  test.after.always(async (t) => {
    await drop(t.context.client, keyspace);
    await t.context.client.shutdown();
  });
}

/** A keyspace with one table of known rows, quick to make, for scenarios that are about something else. */
export async function createSmall(
  client: cassandra.Client,
  keyspace: string,
  rows = 100,
  replicationFactor = 3,
): Promise<void> {
  const ddl = [
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', 'DC1': ${replicationFactor}}`,
    `CREATE TABLE ${keyspace}.t (id int PRIMARY KEY, value text)`,
  ];
  for (const statement of ddl) await client.execute(statement, [], { prepare: false });
  for (let id = 0; id < rows; id += 1) await put(client, keyspace, id, `value ${id}`);
}

export async function put(client: cassandra.Client, keyspace: string, id: number, value: string): Promise<void> {
  await client.execute(`INSERT INTO ${keyspace}.t (id, value) VALUES (?, ?)`, [id, value]);
}

/** All rows as `id=value`, sorted. */
export async function contents(client: cassandra.Client, keyspace: string): Promise<string[]> {
  const { rows } = await client.execute(`SELECT id, value FROM ${keyspace}.t`);
  return rows.map((row) => `${row['id']}=${row['value']}`).sort();
}

export async function drop(client: cassandra.Client, keyspace: string): Promise<void> {
  await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { prepare: false });
}
