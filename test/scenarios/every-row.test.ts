import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createSchema, damage, differences, digest, writeRows } from '../../scripts/lib/dataset.ts';
import { clientOf, commandLine, newName, ownSnapshots, run, sharedRing } from './ring.ts';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import type { ExecutionContext } from 'ava';

/** Backup, a bad day, restore, every row compared: twice, because a restored cluster must be as good as a new one. */
async function backupAndRestore(t: ExecutionContext, ring: LocalRing, replicationFactor: number): Promise<void> {
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

test('a ring of three has every row as it was at backup time', async (t) => {
  await backupAndRestore(t, sharedRing(), 2);
});

test('a ring of one has every row as it was at backup time', async (t) => {
  const { ring, scratch } = await ringOfOne();
  t.teardown(async () => {
    await ring.stop();
    await rm(scratch, { recursive: true, force: true });
  });
  await backupAndRestore(t, ring, 1);
});

/** One node from a distribution's archive, which the agent fetches, with two data directories. */
async function ringOfOne(): Promise<{ ring: LocalRing; scratch: string }> {
  const scratch = await mkdtemp(join(tmpdir(), 'cassandra-mesos-one-'));
  const archive = join(scratch, 'apache-cassandra-5.0.5-bin.tar');
  execFileSync('tar', [
    '-cf',
    archive,
    '--transform',
    's,^5.0.5,apache-cassandra-5.0.5,',
    '-C',
    '.cache/cassandra',
    '5.0.5',
  ]);
  const data = join(scratch, 'ring');
  const disks = `${data}/nodes,${data}/disk2`;
  const args = ['--address', '127.0.0.11', '--cassandra', archive, '--data-directory', disks];
  const ring = new LocalRing({ nodes: 1, port: 18_181, data, args });
  await ring.start();
  await ring.ready(300_000);
  return { ring, scratch };
}

test('a ring that was stopped leaves no process, and comes back as the same ring', async (t) => {
  const { ring, scratch } = await ringOfOne();
  t.teardown(async () => {
    await ring.stop();
    await rm(scratch, { recursive: true, force: true });
  });
  const client = clientOf(ring);
  await createSchema(client, 1);
  await writeRows(client, 1);
  const before = await digest(client);
  await client.shutdown();
  const [node] = await ring.nodes();

  await ring.stop();
  t.deepEqual(processesNaming(scratch), []);
  await ring.start();
  await ring.ready(300_000);
  const again = clientOf(ring);
  t.teardown(() => again.shutdown());
  t.deepEqual(differences(before, await digest(again)), []);
  t.is((await ring.nodes())[0]?.executorId, node?.executorId);
});

/** Command lines of all processes that name the path. */
function processesNaming(path: string): string[] {
  return globSync('/proc/[0-9]*/cmdline')
    .map((file) => commandLine(file).join(' '))
    .filter((line) => line.includes(path));
}
