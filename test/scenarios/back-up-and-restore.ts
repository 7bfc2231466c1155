import type { ExecutionContext } from 'ava';
import { createSchema, damage, differences, digest, writeRows } from '../../scripts/lib/dataset.ts';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { clientOf, newName, ownSnapshots, run } from './ring.ts';

/** Backup, a bad day, restore, every row compared: twice, because a restored cluster must be as good as a new one. */
export async function backupAndRestore(t: ExecutionContext, ring: LocalRing, replicationFactor: number): Promise<void> {
  const client = clientOf(ring);
  t.teardown(() => client.shutdown());
  await createSchema(client, replicationFactor);
  await client.execute("CREATE KEYSPACE empty WITH replication = {'class': 'NetworkTopologyStrategy', 'DC1': 1}", [], {
    prepare: false,
  });
  await writeRows(client, 8);
  const before = await digest(client);
  const name = newName('rows');

  const backup = await run(t, ring, 'backup', `name=${name}`);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  t.deepEqual(backup.remainingNodes, []);
  t.is(backup.currentNode, null);
  for (const node of backup.completedNodes) {
    const statuses = Object.entries(node.processedKeyspaces).map(([keyspace, { status }]) => `${keyspace} ${status}`);
    t.deepEqual(statuses.sort(), ['Archive SUCCESS', 'empty SUCCESS', 'shop SUCCESS']);
  }
  t.deepEqual(ownSnapshots(ring), []);

  const together = newName('together');
  const other = await run(t, ring, 'backup', `name=${together}&snapshot=together&strategy=parallel&concurrency=2`);
  t.is(other.result, 'SUCCESS', JSON.stringify(other.errors));
  t.deepEqual(ownSnapshots(ring), []);

  await damage(client);
  await client.execute('CREATE TABLE shop.later (id int PRIMARY KEY)', [], { prepare: false });
  await client.execute('INSERT INTO shop.later (id) VALUES (1)');
  await client.execute('DROP KEYSPACE "Archive"', [], { prepare: false });
  const first = await run(t, ring, 'restore', `name=${name}`);
  t.is(first.result, 'SUCCESS', JSON.stringify(first.errors));
  t.deepEqual(differences(before, await digest(client)), []);

  await client.execute('DELETE FROM shop.customers WHERE id = 5');
  await client.execute('UPDATE shop.page_views SET views = views + 7 WHERE page = ? AND day = 0', ['/page/0']);
  const second = await run(t, ring, 'restore', `name=${together}`);
  t.is(second.result, 'SUCCESS', JSON.stringify(second.errors));
  t.deepEqual(differences(before, await digest(client)), []);

  t.is((await client.execute('SELECT id FROM shop.later')).rows.length, 1, 'a table made after the backup stays');
  await client.execute("INSERT INTO shop.products (id, category, price) VALUES (5000, 'category 1', 1)");
  const { rows } = await client.execute(
    "SELECT id FROM shop.products_by_category WHERE category = 'category 1' AND id = 5000",
  );
  t.is(rows.length, 1, 'the view follows its base table after the restore');
  for (const keyspace of ['shop', '"Archive"', 'empty']) {
    await client.execute(`DROP KEYSPACE ${keyspace}`, [], { prepare: false });
  }
}
