import { globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import cassandra from 'cassandra-driver';
import type { LocalRing, NodeJson } from '../../scripts/lib/local-ring.ts';
import { atWork, clientOf, ended, executor, run, start, type JobJson } from './ring.ts';
import { contents, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'upkeep';
useSmall(test, KEYSPACE);

const ALL = [0, 1, 2].map(executor);
const hostIds = (nodes: NodeJson[]) => nodes.map(({ healthCheckDetails }) => healthCheckDetails?.hostId);

/** Reads all rows by QUORUM, again and again until it is told to stop; then returns what it read and what went wrong. */
async function readAllTheWhile(ring: LocalRing) {
  const client = clientOf(ring);
  await client.connect();
  const end = new AbortController();
  const seen = { reads: new Set<string>(), errors: new Set<string>() };
  const reading = (async () => {
    while (!end.signal.aborted) {
      try {
        // As any client that reads says: another node may be asked when one goes down.
        const { rows } = await client.execute(`SELECT id, value FROM ${KEYSPACE}.t`, [], { isIdempotent: true });
        seen.reads.add(JSON.stringify(rows.map((row) => `${row['id']}=${row['value']}`).sort()));
      } catch (error) {
        seen.errors.add(String(error));
      }
    }
    await client.shutdown();
  })();
  return async () => {
    end.abort();
    await reading;
    return seen;
  };
}

/** Restarts in the order in which they began. */
function restartsOf(job: JobJson) {
  const steps = job.phases.find(({ name }) => name === 'restart')?.steps ?? [];
  return steps.toSorted((one, other) => (one.started ?? 0) - (other.started ?? 0));
}

test('a rolling restart restarts each node once, one at a time, and a client that reads notices nothing', async (t) => {
  const { ring, client } = t.context;
  const before = await ring.nodes();
  const stopReading = await readAllTheWhile(ring);
  const restart = await run(t, ring, 'rolling-restart');
  const { reads, errors } = await stopReading();

  t.is(restart.result, 'SUCCESS', JSON.stringify(restart.errors));
  t.is(restart.type, 'RESTART');
  t.deepEqual([...errors], []);
  t.deepEqual([...reads], [JSON.stringify(await contents(client, KEYSPACE))], 'every read has every row');
  const steps = restartsOf(restart);
  t.deepEqual(steps.map(({ executorId }) => executorId).sort(), ALL);
  for (const [index, { started }] of steps.entries()) t.true((started ?? 0) >= (steps[index - 1]?.finished ?? 0));
  const after = await ring.nodes();
  t.deepEqual(hostIds(after), hostIds(before));
  t.deepEqual(
    after.map(({ launches }) => launches),
    before.map(({ launches }) => launches + 1),
  );
  await ring.ready(60_000);
});

test('abort of a rolling restart brings the node at work back and restarts no other', async (t) => {
  const { ring } = t.context;
  const before = await ring.nodes();
  const id = await start(t, ring, 'rolling-restart');
  await atWork(ring, id, 'restart', executor(0));
  t.deepEqual((await ring.post('/cluster/rolling-restart/abort')).body, { aborted: true });
  const restart = await ended(ring, 'rolling-restart', id);
  t.like(restart, { aborted: true, result: 'ABORTED', remainingNodes: [executor(1), executor(2)] });
  t.deepEqual(
    restart.completedNodes.map(({ executorId, failure }) => [executorId, failure?.failed ?? false]),
    [[executor(0), false]],
  );
  await ring.ready(60_000);
  t.deepEqual(
    (await ring.nodes()).map(({ launches }, index) => launches - (before[index]?.launches ?? 0)),
    [1, 0, 0],
  );
});

test('cleanup cleans every node and leaves every row', async (t) => {
  const { ring, client } = t.context;
  const before = await contents(client, KEYSPACE);
  const cleanup = await run(t, ring, 'cleanup', `keyspaces=${KEYSPACE}`);
  t.is(cleanup.result, 'SUCCESS', JSON.stringify(cleanup.errors));
  t.deepEqual(
    cleanup.completedNodes.map(({ processedKeyspaces }) => processedKeyspaces[KEYSPACE]?.status),
    ['SUCCESS', 'SUCCESS', 'SUCCESS'],
  );
  t.deepEqual(await contents(client, KEYSPACE), before);
});

/** What the node itself has: asked by ONE, of a node that asks no other as long as it has a replica itself. */
async function contentsOf(node: NodeJson | undefined): Promise<string[]> {
  const { loadBalancing } = cassandra.policies;
  const client = new cassandra.Client({
    contactPoints: [node?.ip ?? ''],
    localDataCenter: 'DC1',
    queryOptions: { consistency: cassandra.types.consistencies.one },
    policies: {
      loadBalancing: new loadBalancing.AllowListPolicy(new loadBalancing.RoundRobinPolicy(), [`${node?.ip}:9042`]),
    },
  });
  try {
    return await contents(client, KEYSPACE);
  } finally {
    await client.shutdown();
  }
}

test('a repair gives a node back what it has lost', async (t) => {
  const { ring, client } = t.context;
  const table = join(ring.options.data, 'nodes', executor(2), 'data', KEYSPACE, 't-*');
  const dataFiles = () => globSync(join(table, '*-Data.db'));
  await client.execute(`ALTER TABLE ${KEYSPACE}.t WITH speculative_retry = 'NEVER'`);
  await ring.post(`/node/${executor(2)}/stop`);
  await ring.until('node 2 is down', 60_000, async () => (await ring.nodes())[2]?.serverState === 'NONE');
  t.not(dataFiles().length, 0);
  for (const file of globSync(join(table, '*.*'))) await rm(file);
  await ring.post(`/node/${executor(2)}/start`);
  await ring.ready(120_000);
  t.deepEqual(await contentsOf((await ring.nodes())[2]), []);

  const repair = await run(t, ring, 'repair', `keyspaces=${KEYSPACE}`);
  t.is(repair.result, 'SUCCESS', JSON.stringify(repair.errors));
  t.deepEqual(
    repair.completedNodes.map(({ processedKeyspaces }) => processedKeyspaces[KEYSPACE]?.status),
    ['SUCCESS', 'SUCCESS', 'SUCCESS'],
  );
  t.not(dataFiles().length, 0);
  t.deepEqual(await contentsOf((await ring.nodes())[2]), await contents(client, KEYSPACE));
});

test('a repair of a keyspace that does not exist is a FAILURE that names it', async (t) => {
  const repair = await run(t, t.context.ring, 'repair', 'keyspaces=never_was');
  t.is(repair.result, 'FAILURE');
  t.deepEqual(repair.errors.map(({ executorId }) => executorId ?? '').toSorted(), ALL);
  for (const { message } of repair.errors) t.regex(message, /no keyspace never_was/);
});
