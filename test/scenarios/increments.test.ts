import { globSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type cassandra from 'cassandra-driver';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'generations';
const GENERATIONS = 5;

useSmall(test, KEYSPACE);

type Tables = Record<string, { files: number; filesSent?: number }>;

/** What each node has said of the keyspace's tables. */
function tablesOf({ completedNodes }: JobJson): Tables[] {
  return completedNodes.map(({ processedKeyspaces }) => {
    const { tables } = processedKeyspaces[KEYSPACE] as unknown as { tables: Tables };
    return tables;
  });
}

/** Adds, changes and deletes rows. */
async function nextGeneration(client: cassandra.Client, generation: number): Promise<void> {
  for (let id = 0; id < 20; id += 1) await put(client, KEYSPACE, generation * 1000 + id, `new in ${generation}`);
  for (let id = 0; id < 20; id += 2) await put(client, KEYSPACE, id, `changed in ${generation}`);
  await client.execute(`DELETE FROM ${KEYSPACE}.t WHERE id = ?`, [50 + generation]);
}

/** Every node has made one SSTable of all that the table has. */
async function compacted(ring: LocalRing): Promise<void> {
  await ring.until('the table is compacted on every node', 60_000, () => {
    const found = globSync(join(ring.options.data, 'nodes/*/data', KEYSPACE, 't-*', '*-Data.db'));
    return Promise.resolve(found.length === 3);
  });
}

test('five generations of increments with compactions in between are each restored row by row', async (t) => {
  const { ring, client } = t.context;
  const compaction = "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2}";
  await client.execute(`ALTER TABLE ${KEYSPACE}.t WITH compaction = ${compaction}`, [], { prepare: false });
  await client.execute(`CREATE TABLE ${KEYSPACE}.kept (id int PRIMARY KEY)`, [], { prepare: false });
  await client.execute(`INSERT INTO ${KEYSPACE}.kept (id) VALUES (1)`);

  const backups: { name: string; rows: string[] }[] = [];
  for (let generation = 1; generation <= GENERATIONS; generation += 1) {
    await nextGeneration(client, generation);
    const rows = await contents(client, KEYSPACE);
    const name = newName('generation');
    const backup = await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel`);
    t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
    for (const { t: changed, kept } of tablesOf(backup)) {
      t.true((changed?.filesSent ?? 0) > 0, `generation ${generation} has new rows`);
      // Small files of other scenarios' backups may have the same content already in the first generation.
      t.is(kept?.filesSent === 0, generation > 1, `generation ${generation} of what did not change`);
      t.true((kept?.files ?? 0) > 0);
    }
    backups.push({ name, rows });
    await compacted(ring);
  }

  for (const { name, rows } of [...backups.slice(1), ...backups.slice(0, 1)]) {
    const restore = await run(t, ring, 'restore', `name=${name}&strategy=parallel`);
    t.is(restore.result, 'SUCCESS', JSON.stringify(restore.errors));
    t.deepEqual(await contents(client, KEYSPACE), rows, name);
    t.is((await client.execute(`SELECT id FROM ${KEYSPACE}.kept`)).rows.length, 1);
  }
});
