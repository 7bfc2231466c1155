import { createCipheriv } from 'node:crypto';
import { rm } from 'node:fs/promises';
import cassandra from 'cassandra-driver';
import type { BenchRing } from './ring.ts';

export const KEYSPACE = 'bench';

const TABLES = ['one', 'two', 'three', 'four'];
const ROW_BYTES = 16 * 1024;
const ROWS_AT_ONCE = 512;
const SAMPLES = 1000;

/** Bytes that do not compress, the same for the same row. */
function noise(id: number): Buffer {
  const seed = Buffer.alloc(16);
  seed.writeUInt32BE(id);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 'bench'), seed).update(Buffer.alloc(ROW_BYTES));
}

/** Row `id` is in table `id` modulo the number of tables. */
const tableOf = (id: number): string => `${KEYSPACE}.${TABLES[id % TABLES.length]}`;

/**
 * Makes the keyspace anew with about `gib` GiB in four tables; returns the number of rows. No compaction changes the
 * SSTables between the rounds, and no commit log doubles what is written.
 */
export async function fill({ client }: BenchRing, gib: number): Promise<number> {
  await client.execute(
    `CREATE KEYSPACE ${KEYSPACE} WITH durable_writes = false
       AND replication = {'class': 'NetworkTopologyStrategy', 'DC1': 1}`,
    [],
    { prepare: false },
  );
  for (const table of TABLES) {
    await client.execute(
      `CREATE TABLE ${KEYSPACE}.${table} (id int PRIMARY KEY, body blob) WITH compression = {'enabled': false}
         AND compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': false}`,
      [],
      { prepare: false },
    );
  }
  const rows = Math.ceil((gib * 1024 ** 3) / ROW_BYTES);
  await insert(client, 0, rows);
  return rows;
}

/** Adds so many new rows as are a share of those that are there. */
export async function change({ client }: BenchRing, rows: number, share: number): Promise<void> {
  await insert(client, rows, rows + Math.ceil(rows * share));
}

async function insert(client: cassandra.Client, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += ROWS_AT_ONCE) {
    const batch = Array.from({ length: Math.min(ROWS_AT_ONCE, to - first) }, (_, offset) => {
      const id = first + offset;
      return { query: `INSERT INTO ${tableOf(id)} (id, body) VALUES (?, ?)`, params: [id, noise(id)] };
    });
    await cassandra.concurrent.executeConcurrent(client, batch, { concurrencyLevel: 64 });
  }
}

/** Reads rows spread over all of them. Throws when one is not what was written. */
export async function checkRows({ client }: BenchRing, rows: number): Promise<void> {
  const step = Math.max(1, Math.floor(rows / SAMPLES));
  for (let id = 0; id < rows; id += step) {
    const row = (await client.execute(`SELECT body FROM ${tableOf(id)} WHERE id = ?`, [id])).first();
    if (!row || !noise(id).equals(row['body'] as Buffer)) throw new Error(`row ${id} of ${rows} is not what it was`);
  }
}

/** Drops the keyspace and removes the snapshots that Cassandra keeps of it. */
export async function drop(ring: BenchRing): Promise<void> {
  await ring.client.execute(`DROP KEYSPACE IF EXISTS ${KEYSPACE}`, [], { prepare: false });
  await removeSnapshots(ring);
}

/** The snapshots that truncating and dropping leave would fill the disk round by round. */
export async function removeSnapshots(ring: BenchRing): Promise<void> {
  for (const folder of ring.tableFolders(KEYSPACE)) await rm(`${folder}/snapshots`, { recursive: true, force: true });
}
