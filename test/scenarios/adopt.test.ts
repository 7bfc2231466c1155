import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { lzop } from '../helpers/lzop.ts';
import { putTree } from '../helpers/put-tree.ts';
import { TIME } from '../helpers/snapshotter-tree.ts';
import { listed } from '../storage/listed.ts';
import { KEY, startVersitygw, VERSITYGW } from '../storage/versitygw.ts';
import { clientOf, executor, job, newName, run, sharedRing } from './ring.ts';
import { contents, createSmall, drop, put, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'adopted';
const CLUSTER = 'cassandra';
const FRAMEWORK = 'cassandra.cassandra';
const TABLES = ['t', 'people', 'people_by_age'];
const NODES = [executor(0), executor(1), executor(2)];

test.before(async (t) => {
  const ring = sharedRing();
  const client = clientOf(ring);
  await drop(client, KEYSPACE);
  // Each row on one node: what one node adopts nobody else has.
  await createSmall(client, KEYSPACE, 100, 1);
  const ddl = [
    `CREATE TABLE ${KEYSPACE}.people (id int PRIMARY KEY, city text, age int)`,
    `CREATE INDEX by_city ON ${KEYSPACE}.people (city)`,
    `CREATE MATERIALIZED VIEW ${KEYSPACE}.people_by_age AS SELECT * FROM ${KEYSPACE}.people
       WHERE age IS NOT NULL AND id IS NOT NULL PRIMARY KEY (age, id)`,
  ];
  for (const statement of ddl) await client.execute(statement, [], { prepare: false });
  for (let id = 0; id < 40; id += 1) {
    await client.execute(`INSERT INTO ${KEYSPACE}.people (id, city, age) VALUES (?, ?, ?)`, [
      id,
      `city ${id % 2}`,
      id % 5,
    ]);
  }
  t.context = { ring, client };
});
test.after.always(async (t) => {
  await drop(t.context.client, KEYSPACE);
  await t.context.client.shutdown();
});

/** Cassandra's own list of a table's snapshot, which the forerunner copied along; also of a table without any row on this node. */
async function listSnapshot(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).filter((name) => name.endsWith('-Data.db'));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ files }));
}

/** Makes of a backup what the forerunner would have left: plain copies of the snapshots, under its framework's name, and no document. */
async function madeByForerunner(ring: LocalRing, name: string): Promise<string> {
  const backup = join(ring.options.data, 'backup');
  await rm(join(backup, CLUSTER, 'backups', `${name}.json`));
  for (const executorId of NODES) {
    const from = join(backup, CLUSTER, executorId, name);
    for (const document of ['manifest.json', 'schema.cql', 'started.json']) await rm(join(from, document));
    for (const table of TABLES) await listSnapshot(join(from, KEYSPACE, table));
    await mkdir(join(backup, FRAMEWORK, executorId), { recursive: true });
    await rename(from, join(backup, FRAMEWORK, executorId, name));
  }
  return join(backup, FRAMEWORK);
}

/** Ids that an index and a view find. */
async function indexed(client: SmallContext['client']): Promise<Record<string, number[]>> {
  const ids = async (from: string): Promise<number[]> => {
    const { rows } = await client.execute(`SELECT id FROM ${KEYSPACE}.${from}`);
    return rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b);
  };
  return { byIndex: await ids("people WHERE city = 'city 1'"), byView: await ids('people_by_age WHERE age = 3') };
}

async function everything(client: SmallContext['client']) {
  return { t: await contents(client, KEYSPACE), ...(await indexed(client)) };
}

async function finished(t: ExecutionContext, ring: LocalRing, answer: { status: number; body: unknown }) {
  t.is(answer.status, 200, JSON.stringify(answer.body));
  const { job: id } = answer.body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return job(ring, id);
}

test.serial(
  'a backup of the forerunner is found, adopted, verified to the last byte and restored, row by row',
  async (t) => {
    const { ring, client } = t.context;
    const name = newName('forerunner');
    const rows = await everything(client);
    t.like(rows, { byIndex: { length: 20 }, byView: { length: 8 } });
    const query = `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&mode=full`;
    t.is((await run(t, ring, 'backup', query)).result, 'SUCCESS');
    const foreign = await madeByForerunner(ring, name);
    t.teardown(() => rm(foreign, { recursive: true, force: true }));
    const before = globSync(join(foreign, '**', '*.*')).toSorted();

    const { body } = await ring.get('/cluster/backups/foreign');
    const found = (body as { backups: { name: string }[] }).backups.find((backup) => backup.name === name);
    t.like(found, { framework: FRAMEWORK, nodes: NODES, keyspaces: [KEYSPACE], message: null });
    t.is((await ring.get(`/cluster/backups/${name}`)).status, 404, 'it is no backup yet');

    const adopted = await finished(t, ring, await ring.post(`/cluster/backups/adopt?name=${name}&strategy=parallel`));
    t.is(adopted.result, 'SUCCESS', JSON.stringify(adopted.errors));
    t.like((await ring.get(`/cluster/backups/${name}`)).body, { state: 'COMPLETE', nodes: NODES });
    const verified = await finished(t, ring, await ring.post(`/cluster/backups/${name}/verify?deep=true`));
    t.is(verified.result, 'SUCCESS', JSON.stringify(verified.errors));

    for (const table of ['t', 'people']) await client.execute(`TRUNCATE ${KEYSPACE}.${table}`, [], { prepare: false });
    await put(client, KEYSPACE, 5000, 'written after the truncation');
    const restored = await run(t, ring, 'restore', `name=${name}&strategy=parallel`);
    t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
    t.deepEqual(await everything(client), rows);

    const deleted = await finished(t, ring, await ring.request('DELETE', `/cluster/backups/${name}?force=true`));
    t.is(deleted.result, 'SUCCESS', JSON.stringify(deleted.errors));
    t.deepEqual(globSync(join(foreign, '**', '*.*')).toSorted(), before, 'the forerunner’s own tree stays');
  },
);

/** Puts what a backup holds into a bucket as DC/OS Cassandra would have: `<name>/node-<n>/<keyspace>/<table>/`, and the schema of each node. */
async function putAsDcos(ring: LocalRing, name: string, storage: Storage): Promise<void> {
  for (const [number, executorId] of NODES.entries()) {
    const from = join(ring.options.data, 'backup', CLUSTER, executorId, name);
    for (const table of TABLES) await listSnapshot(join(from, KEYSPACE, table));
    await putTree(storage, join(from, KEYSPACE), `${name}/node-${number}/${KEYSPACE}/`);
    await storage.putFile(`${name}/node-${number}/schema.cql`, join(from, 'schema.cql'));
  }
}

/** As cassandra_snapshotter: compressed, without folders of indexes, by host, and of `t` as if it had been flushed after the snapshot. */
async function putAsSnapshotter(ring: LocalRing, name: string, storage: Storage, work: string): Promise<void> {
  const hosts = NODES.map((_, number) => `127.0.0.${number + 1}`);
  for (const [number, executorId] of NODES.entries()) {
    const from = join(ring.options.data, 'backup', CLUSTER, executorId, name, KEYSPACE);
    for (const table of TABLES) {
      for (const file of (await readdir(join(from, table))).filter((each) => !each.startsWith('.'))) {
        const isLater = table === 't' && file !== 'manifest.json';
        const folder = join(
          work,
          hosts[number] ?? '',
          'data',
          KEYSPACE,
          table,
          isLater ? 'backups' : `snapshots/${TIME}`,
        );
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, `${file}.lzo`), lzop(await readFile(join(from, table, file))));
      }
      // Cassandra lists what was there at the time of the snapshot.
      if (table === 't') {
        const list = join(work, hosts[number] ?? '', 'data', KEYSPACE, table, `snapshots/${TIME}/manifest.json.lzo`);
        await writeFile(list, lzop('{"files":[]}'));
      }
    }
  }
  const manifest = { name: TIME, base_path: 'shop', hosts, keyspaces: [KEYSPACE], table: '' };
  await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest));
  await putTree(storage, work, `shop/${TIME}/`);
}

const inBucket = VERSITYGW === null ? test.skip : test.serial;

inBucket(
  'what DC/OS and cassandra_snapshotter left in a bucket is adopted, restored row by row, and stays',
  async (t) => {
    const { ring, client } = t.context;
    const directory = await mkdtemp(join(tmpdir(), 'adopt-'));
    const server = await startVersitygw(directory);
    const pool = createCopyPool(1);
    t.teardown(async () => {
      await server.stop();
      await pool.close();
      await rm(directory, { recursive: true, force: true });
    });
    const name = newName('dcos');
    const rows = await everything(client);
    const query = `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&mode=full`;
    t.is((await run(t, ring, 'backup', query)).result, 'SUCCESS');
    const credentials = join(directory, 'credentials');
    await writeFile(credentials, `[default]\naws_access_key_id = ${KEY.id}\naws_secret_access_key = ${KEY.secret}\n`);
    const place = { endpoint: server.endpoint, region: 'us-east-1', credentials: `file:${credentials}` };
    const url = `s3://foreign?${new URLSearchParams({ ...place, createBucket: 'true' }).toString()}`;
    const storage = await openStorage(url, { pool, baseDirectory: directory, create: true });
    await putAsDcos(ring, name, storage);
    await putAsSnapshotter(ring, name, storage, join(directory, 'snapshotter'));
    const foreign = async () => [...(await listed(storage, `${name}/`)), ...(await listed(storage, 'shop/'))];
    const before = await foreign();
    const location = `location=${encodeURIComponent(url)}`;

    const { body } = await ring.get(`/cluster/backups/foreign?${location}`);
    const found = (body as { backups: { madeBy: string; framework: string; message: string | null }[] }).backups;
    t.deepEqual(
      found.map(({ madeBy, framework, message }) => [madeBy, framework, message]),
      [
        ['dcos-cassandra', name, null],
        ['cassandra_snapshotter', `shop/${TIME}`, null],
      ],
    );
    for (const { madeBy, framework } of found) {
      const adopt = `/cluster/backups/adopt?name=${madeBy}&from=${framework}&strategy=parallel&${location}`;
      const adopted = await finished(t, ring, await ring.post(adopt));
      t.is(adopted.result, 'SUCCESS', JSON.stringify(adopted.errors));
      for (const table of ['t', 'people'])
        await client.execute(`TRUNCATE ${KEYSPACE}.${table}`, [], { prepare: false });
      await put(client, KEYSPACE, 5000, 'written after the truncation');
      const restored = await run(t, ring, 'restore', `name=${madeBy}&strategy=parallel&${location}`);
      t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
      t.deepEqual(await everything(client), rows, madeBy);
    }
    const remove = `/cluster/backups/${found[0]?.madeBy}?force=true&${location}`;
    const deleted = await finished(t, ring, await ring.request('DELETE', remove));
    t.is(deleted.result, 'SUCCESS', JSON.stringify(deleted.errors));
    t.deepEqual(await foreign(), before);
  },
);
