import { createHash } from 'node:crypto';
import cassandra from 'cassandra-driver';

/** Two keyspaces with what real ones have, and a digest of every row to compare before and after. */

const SCHEMA = (replication: string): string[] => [
  `CREATE KEYSPACE shop WITH replication = ${replication}`,
  'CREATE TYPE shop.address (street text, city text, tags frozen<set<text>>)',
  `CREATE TABLE shop.customers (id int PRIMARY KEY, name text, city text, home frozen<address>,
     emails set<text>, preferences map<text, text>, visits list<timestamp>)`,
  'CREATE INDEX customers_city ON shop.customers (city)',
  `CREATE TABLE shop.orders (customer int, id int, vip boolean static, total decimal, note text,
     PRIMARY KEY (customer, id)) WITH CLUSTERING ORDER BY (id DESC)`,
  'CREATE TABLE shop.products (id int PRIMARY KEY, category text, price int, title text)',
  `CREATE MATERIALIZED VIEW shop.products_by_category AS SELECT * FROM shop.products
     WHERE category IS NOT NULL AND id IS NOT NULL PRIMARY KEY (category, id)`,
  'CREATE TABLE shop.page_views (page text, day int, views counter, PRIMARY KEY (page, day))',
  'CREATE TABLE shop.sessions (id int PRIMARY KEY, data text)',
  'CREATE TABLE shop.user (id int PRIMARY KEY, name text)',
  'CREATE TABLE shop.users (id int PRIMARY KEY, name text)',
  'CREATE TABLE shop.drafts (id int PRIMARY KEY, body text)',
  `CREATE KEYSPACE "Archive" WITH replication = ${replication}`,
  'CREATE TABLE "Archive".documents (bucket int, id int, body blob, PRIMARY KEY (bucket, id))',
  'CREATE TABLE "Archive"."Mixed_Case" ("Id" int PRIMARY KEY, "Value" text)',
];

/** Everything that is compared, the view and the index included. */
export const QUERIES: Record<string, string> = {
  'shop.customers': 'SELECT * FROM shop.customers',
  'shop.customers by index': "SELECT * FROM shop.customers WHERE city = 'Oslo'",
  'shop.orders': 'SELECT * FROM shop.orders',
  'shop.products': 'SELECT * FROM shop.products',
  'shop.products_by_category': 'SELECT * FROM shop.products_by_category',
  'shop.page_views': 'SELECT * FROM shop.page_views',
  'shop.sessions': 'SELECT * FROM shop.sessions',
  'shop.user': 'SELECT * FROM shop.user',
  'shop.users': 'SELECT * FROM shop.users',
  'shop.drafts': 'SELECT * FROM shop.drafts',
  'Archive.documents': 'SELECT * FROM "Archive".documents',
  'Archive.Mixed_Case': 'SELECT * FROM "Archive"."Mixed_Case"',
};

export function connect(contactPoint: string, datacenter = 'DC1'): cassandra.Client {
  return new cassandra.Client({
    contactPoints: [contactPoint],
    localDataCenter: datacenter,
    queryOptions: { consistency: cassandra.types.consistencies.quorum, prepare: true },
    socketOptions: { readTimeout: 60_000, connectTimeout: 20_000 },
    pooling: { coreConnectionsPerHost: { [cassandra.types.distance.local]: 1 } },
    policies: { retry: new PatientReads() },
  });
}

/** Several nodes on a small machine, with other work beside: a replica may be late, and a read can be asked again. */
class PatientReads extends cassandra.policies.retry.RetryPolicy {
  override onReadTimeout(
    { nbRetry }: cassandra.policies.retry.OperationInfo,
    consistency: cassandra.types.consistencies,
  ) {
    return nbRetry < 5 ? this.retryResult(consistency) : this.rethrowResult();
  }
}

export async function createSchema(client: cassandra.Client, replicationFactor: number): Promise<void> {
  const replication = `{'class': 'NetworkTopologyStrategy', 'DC1': ${replicationFactor}}`;
  for (const statement of SCHEMA(replication)) await client.execute(statement, [], { prepare: false });
}

async function writeAll(client: cassandra.Client, query: string, rows: unknown[][]): Promise<void> {
  await cassandra.concurrent.executeConcurrent(client, query, rows, { concurrencyLevel: 64 });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const CITIES = ['Oslo', 'Lima', 'Pune', 'Kyiv'];
const cityOf = (id: number): string => CITIES[id % CITIES.length] ?? 'Oslo';

/** Bytes that do not compress, the same at every run. */
function noise(seed: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index * 64 < size; index += 1) {
    parts.push(createHash('sha512').update(`${seed}.${index}`).digest());
  }
  return Buffer.concat(parts).subarray(0, size);
}

const DOCUMENT_BYTES = 16 * 1024;

/** Writes the rows of all tables; `megabytes` of documents on top. `onProgress` gets 0..1. */
export async function writeRows(
  client: cassandra.Client,
  megabytes: number,
  onProgress: (share: number) => void = () => undefined,
): Promise<void> {
  await writeAll(
    client,
    'INSERT INTO shop.customers (id, name, city, home, emails, preferences, visits) VALUES (?, ?, ?, ?, ?, ?, ?)',
    range(1000).map((id) => [
      id,
      `customer ${id}`,
      cityOf(id),
      { street: `street ${id}`, city: cityOf(id), tags: ['home', `t${id % 7}`] },
      [`${id}@example.org`, `c${id}@example.net`],
      { language: 'en', [`key${id % 5}`]: 'value' },
      [new Date(1_700_000_000_000 + id)],
    ]),
  );
  await writeAll(
    client,
    'INSERT INTO shop.orders (customer, id, vip, total, note) VALUES (?, ?, ?, ?, ?)',
    range(3000).map((n) => [n % 300, n, n % 2 === 0, cassandra.types.BigDecimal.fromString(`${n}.25`), `note ${n}`]),
  );
  await writeAll(
    client,
    'INSERT INTO shop.products (id, category, price, title) VALUES (?, ?, ?, ?)',
    range(1000).map((id) => [id, `category ${id % 10}`, id * 3, `product ${id}`]),
  );
  await writeAll(
    client,
    'UPDATE shop.page_views SET views = views + 3 WHERE page = ? AND day = ?',
    range(600).map((n) => [`/page/${n % 60}`, n % 10]),
  );
  await writeAll(
    client,
    'INSERT INTO shop.sessions (id, data) VALUES (?, ?) USING TTL 86400',
    range(500).map((id) => [id, `session ${id}`]),
  );
  for (const table of ['user', 'users']) {
    await writeAll(
      client,
      `INSERT INTO shop.${table} (id, name) VALUES (?, ?)`,
      range(200).map((id) => [id, `${table} ${id}`]),
    );
  }
  await writeAll(
    client,
    'INSERT INTO "Archive"."Mixed_Case" ("Id", "Value") VALUES (?, ?)',
    range(200).map((id) => [id, `Value ${id}`]),
  );
  await writeDocuments(client, megabytes, onProgress);
  await writeTombstones(client);
}

async function writeDocuments(
  client: cassandra.Client,
  megabytes: number,
  onProgress: (share: number) => void,
): Promise<void> {
  const count = Math.ceil((megabytes * 1024 * 1024) / DOCUMENT_BYTES);
  for (let first = 0; first < count; first += 512) {
    const rows = range(Math.min(512, count - first)).map((offset) => {
      const id = first + offset;
      return [id % 64, id, noise(`document ${id}`, DOCUMENT_BYTES)];
    });
    await writeAll(client, 'INSERT INTO "Archive".documents (bucket, id, body) VALUES (?, ?, ?)', rows);
    onProgress(Math.min(1, (first + 512) / count));
  }
}

/** Rows, ranges, cells and collection entries that were deleted before the backup, and stay so after it. */
async function writeTombstones(client: cassandra.Client): Promise<void> {
  await client.execute('DELETE FROM shop.products WHERE id IN (1, 2, 3)');
  await client.execute('DELETE FROM shop.orders WHERE customer = 7 AND id > 1000');
  await client.execute('DELETE home, preferences FROM shop.customers WHERE id = 11');
  await client.execute("UPDATE shop.customers SET emails = emails - {'12@example.org'} WHERE id = 12");
}

/** What a bad day does: rows deleted, overwritten and added, a table dropped. */
export async function damage(client: cassandra.Client): Promise<void> {
  await client.execute('DELETE FROM shop.products WHERE id IN (10, 11, 12, 13)');
  await client.execute('DELETE FROM "Archive".documents WHERE bucket = 3');
  await client.execute("UPDATE shop.customers SET name = 'overwritten', city = 'Nowhere' WHERE id = 20");
  await client.execute('UPDATE shop.page_views SET views = views + 1000 WHERE page = ? AND day = 0', ['/page/0']);
  await client.execute("INSERT INTO shop.orders (customer, id, vip, note) VALUES (1, 999999, true, 'after')");
  await client.execute("INSERT INTO shop.drafts (id, body) VALUES (1, 'after the backup')");
  await client.execute('DROP TABLE shop.users', [], { prepare: false });
}

/** For each query: a sha256 for each row, sorted. Two digests are equal when every row is. */
export type Digest = Record<string, string[]>;

export async function digest(client: cassandra.Client): Promise<Digest> {
  const result: Digest = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    const rows: string[] = [];
    const fetchSize = name === 'Archive.documents' ? 200 : 2000;
    for await (const row of await client.execute(query, [], { prepare: true, fetchSize })) {
      rows.push(createHash('sha256').update(JSON.stringify(row)).digest('base64'));
    }
    result[name] = rows.sort();
  }
  return result;
}

/** One line for each query whose rows differ; empty when all are as they were. */
export function differences(before: Digest, after: Digest): string[] {
  return Object.keys(before).flatMap((name) => {
    const had = new Set(before[name]);
    const has = new Set(after[name]);
    const lost = [...had].filter((row) => !has.has(row)).length;
    const foreign = [...has].filter((row) => !had.has(row)).length;
    if (lost === 0 && foreign === 0 && before[name]?.length === after[name]?.length) return [];
    return [`${name}: ${had.size} rows before, ${lost} of them missing or changed, ${foreign} that were not there`];
  });
}

export function rowCount(rows: Digest): number {
  return Object.values(rows).reduce((sum, { length }) => sum + length, 0);
}
