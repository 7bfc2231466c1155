import type cassandra from 'cassandra-driver';

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
