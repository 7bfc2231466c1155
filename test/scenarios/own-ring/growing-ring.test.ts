// A ring on its own reservations and persistent volumes, through what a ring lives to see: crashes, other settings, more
// nodes, a host that dies, a node that leaves, the end.
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type cassandra from 'cassandra-driver';
import { createSchema, damage, differences, digest, writeRows, type Digest } from '../../../scripts/lib/dataset.ts';
import { LocalRing, type NodeJson } from '../../../scripts/lib/local-ring.ts';
import { LOCAL_DEFAULTS } from '../../../src/config/options.ts';
import {
  cassandraPid,
  cassandraWords,
  clientOf,
  ended,
  executor,
  executorPid,
  newName,
  ownSnapshots,
  processesNaming,
  run,
} from '../ring.ts';
import { documentBytes, reservations, systemLog, volumesOf } from './on-disk.ts';

const test = anyTest as TestFn<{ ring: LocalRing; scratch: string; rows: Digest }>;
const BACKUP = newName('three');

test.before(async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'cassandra-mesos-growing-'));
  // A replacement waits that long for the dead node to be alive after all; a minute unless told otherwise.
  const jvm = `${LOCAL_DEFAULTS.jvmOptions} -Dcassandra.broadcast_interval_ms=2000`;
  const hosts = ['--address', '127.0.0.21', '--agents', '4', '--role', 'cassandra', '--volumes', '2'];
  const ring = new LocalRing({
    nodes: 2,
    port: 18_182,
    data: join(scratch, 'ring'),
    args: [...hosts, `--jvm-options=${jvm}`],
  });
  t.context = { ring, scratch, rows: {} };
  await ring.start();
  await ring.ready(300_000);
  t.context.rows = await withClient(ring, async (client) => {
    await createSchema(client, 2);
    await writeRows(client, 8);
    return digest(client);
  });
});

test.after.always(async (t) => {
  const { ring, scratch } = t.context;
  await ring?.stop();
  await rm(scratch, { recursive: true, force: true });
});

async function member(ring: LocalRing, number: number): Promise<NodeJson | undefined> {
  return (await ring.nodes()).find(({ executorId }) => executorId === executor(number));
}

const isNormal = (node: NodeJson | undefined) => node?.healthCheckDetails?.operationMode === 'NORMAL';

/** A client for one look: the driver goes on for ever about a host that left while it was connected. */
async function withClient<T>(ring: LocalRing, use: (client: cassandra.Client) => Promise<T>): Promise<T> {
  const client = clientOf(ring);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.shutdown();
  }
}

/** What of all rows is not as it was at the beginning; empty when nothing is. */
async function changes({ ring, rows }: { ring: LocalRing; rows: Digest }): Promise<string[]> {
  return differences(rows, await withClient(ring, digest));
}

/** By host id, as the ring knows them. Of one that has just come, its peers may not know them yet. */
async function tokens(ring: LocalRing): Promise<Map<string, string[]>> {
  return withClient(ring, async ({ hosts }) => {
    const known = hosts.values().map(({ hostId, tokens: own }) => [String(hostId), own as string[] | null] as const);
    return new Map(known.flatMap(([hostId, own]) => (own === null ? [] : [[hostId, own.toSorted()] as const])));
  });
}

test.serial("a node's data lie on its own persistent volumes, on what is reserved for it", async (t) => {
  const { ring } = t.context;
  for (const [number, node] of (await ring.nodes()).entries()) {
    t.deepEqual(node.reservation, { made: true });
    t.deepEqual(
      node.volumes,
      [0, 1].map((index) => ({ id: `${executor(number)}.data-${index}`, containerPath: `data-${index}` })),
    );
    const volumes = volumesOf(ring, number);
    t.is(volumes.length, 2);
    for (const volume of volumes) t.true(globSync(join(volume, '*/data/shop/orders-*')).length > 0, volume);
  }
  t.deepEqual(
    reservations(ring).map((reserved) => reserved.length > 0),
    [true, true, false, false],
  );
});

test.serial('an executor that is killed with its Cassandra is back on its own data, without a bootstrap', async (t) => {
  const { ring } = t.context;
  const before = await member(ring, 1);
  const reserved = reservations(ring);
  const [pid, parent] = [cassandraPid(ring, 1), executorPid(ring, 1)];
  process.kill(pid, 'SIGKILL');
  process.kill(parent, 'SIGKILL');
  await ring.until('node 1 runs again', 120_000, async () => {
    const node = await member(ring, 1);
    return (node?.launches ?? 0) > (before?.launches ?? 0) && node?.serverState === 'RUNNING';
  });
  await ring.ready(60_000);
  const after = await member(ring, 1);
  t.is(after?.agentId, before?.agentId);
  t.is(after?.healthCheckDetails?.hostId, before?.healthCheckDetails?.hostId);
  t.notRegex(systemLog(ring, 1), /Starting to bootstrap/);
  t.deepEqual(reservations(ring), reserved);
  t.deepEqual(await changes(t.context), []);
});

test.serial(
  'other settings are shown as pending after a crash of all but the nodes, and a rolling restart applies them',
  async (t) => {
    const { ring } = t.context;
    const pids = [0, 1].map((number) => cassandraPid(ring, number));
    await ring.crash();
    await ring.start(['--heap', '520']);
    await ring.ready(60_000);
    t.deepEqual(
      [0, 1].map((number) => cassandraPid(ring, number)),
      pids,
      'Cassandra noticed nothing',
    );
    const pending = { heapMb: { from: 512, to: 520 } };
    t.deepEqual(
      (await ring.nodes()).map(({ pendingChanges }) => pendingChanges),
      [pending, pending],
    );

    const restart = await run(t, ring, 'rolling-restart');
    t.is(restart.result, 'SUCCESS', JSON.stringify(restart.errors));
    t.deepEqual(
      (await ring.nodes()).map(({ pendingChanges }) => pendingChanges),
      [{}, {}],
    );
    for (const number of [0, 1]) t.true(cassandraWords(ring, number).includes('-Xmx520M'));
    t.deepEqual(await changes(t.context), []);
  },
);

test.serial('a third node joins, takes its part of the data, and cleanup takes it from the others', async (t) => {
  const { ring } = t.context;
  t.deepEqual((await ring.post('/scale/nodes?nodeCount=3')).body, { newNodeCount: 3 });
  await ring.until('node 2 has joined', 180_000, async () => isNormal(await member(ring, 2)));
  await ring.ready(60_000);
  t.regex(systemLog(ring, 2), /Starting to bootstrap/, 'its data came from the others');
  t.deepEqual(await changes(t.context), []);

  const before = [0, 1].map((number) => documentBytes(ring, number));
  const cleanup = await run(t, ring, 'cleanup');
  t.is(cleanup.result, 'SUCCESS', JSON.stringify(cleanup.errors));
  for (const [number, bytes] of before.entries()) t.true(documentBytes(ring, number) < bytes);
  t.deepEqual(await changes(t.context), []);
  const backup = await run(t, ring, 'backup', `name=${BACKUP}`);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
});

test.serial('a node that is alive is not replaced', async (t) => {
  const { ring } = t.context;
  const { status, body } = await ring.post(`/node/${executor(1)}/replace`);
  t.is(status, 400);
  t.like(body, { error: { code: 'BAD_REQUEST' } });
  t.regex(JSON.stringify(body), /is not dead/);
  t.deepEqual(
    (await ring.nodes()).map(({ executorId }) => executorId),
    [0, 1, 2].map(executor),
  );
});

test.serial('a new node takes the place and the tokens of a dead one, and every row is there', async (t) => {
  const { ring } = t.context;
  const dead = await member(ring, 1);
  const before = await tokens(ring);
  const [pid, parent] = [cassandraPid(ring, 1), executorPid(ring, 1)];
  process.kill(pid, 'SIGKILL');
  process.kill(parent, 'SIGKILL');
  t.is((await ring.post(`/node/${executor(1)}/stop`)).status, 200);
  await ring.until('node 1 is dead', 60_000, async () => (await member(ring, 1))?.serverState === 'NONE');
  const { status, body } = await ring.post(`/node/${executor(1)}/replace`);
  t.is(status, 200, JSON.stringify(body));
  t.like(body, { success: true, ipToReplace: dead?.ip, replacement: executor(3) });
  await ring.until('node 3 has joined', 180_000, async () => isNormal(await member(ring, 3)));
  await ring.ready(60_000);

  t.not((await member(ring, 3))?.agentId, dead?.agentId);
  t.deepEqual(
    (await ring.formerNodes()).map(({ executorId }) => executorId),
    [executor(1)],
  );
  const oldHostId = dead?.healthCheckDetails?.hostId ?? '';
  const newHostId = (await member(ring, 3))?.healthCheckDetails?.hostId ?? '';
  t.not(newHostId, oldHostId);
  let after = new Map<string, string[]>();
  // The dead one may stay in system.peers for long; whose the tokens are is what the others say of the new one.
  await ring.until('the ring knows the new node', 60_000, async () => {
    after = await tokens(ring);
    return after.has(newHostId);
  });
  t.deepEqual(after.get(newHostId), before.get(oldHostId));
  t.deepEqual(await changes(t.context), []);
  t.deepEqual(volumesOf(ring, 1).flatMap(processesNaming), [], 'nobody uses the old data');
  t.is(volumesOf(ring, 1).length, 2, 'nobody deleted them either');
});

test.serial('a backup of before the replacement is restored, to the new node by its tokens', async (t) => {
  const { ring } = t.context;
  await withClient(ring, damage);
  const restore = await run(t, ring, 'restore', `name=${BACKUP}`);
  t.is(restore.result, 'SUCCESS', JSON.stringify(restore.errors));
  t.deepEqual(restore.completedNodes.map(({ executorId }) => executorId).sort(), [0, 2, 3].map(executor));
  t.deepEqual(await changes(t.context), []);
  t.deepEqual(ownSnapshots(ring), []);
});

/** The master offers what a node had before its agent has deleted it. */
async function givenBack(ring: LocalRing, number: number): Promise<void> {
  await ring.until('its volumes are deleted', 30_000, async () => volumesOf(ring, number).length === 0);
  await ring.until('nothing is reserved for it', 30_000, async () => reservations(ring)[number]?.length === 0);
}

test.serial('what is left of the replaced node is deleted once an operator says so', async (t) => {
  const { ring } = t.context;
  t.is((await ring.post(`/node/${executor(1)}/remove`)).status, 400);
  t.is(volumesOf(ring, 1).length, 2);
  t.is((await ring.post(`/node/${executor(1)}/remove?yesDeleteData=true`)).status, 200);
  await ring.until('nothing is left of node 1', 60_000, async () => (await ring.formerNodes()).length === 0);
  await givenBack(ring, 1);
});

test.serial('a node that is alive hands its data to the others before its own are deleted', async (t) => {
  const { ring } = t.context;
  const { status, body } = await ring.post(`/node/${executor(2)}/remove?yesDeleteData=true`);
  t.is(status, 200, JSON.stringify(body));
  const removal = await ended(ring, 'remove', (body as { job: number }).job);
  t.is(removal.result, 'SUCCESS', JSON.stringify(removal.errors));
  t.deepEqual(
    removal.phases.map(({ name }) => name),
    ['decommission'],
  );
  await ring.until('nothing is left of node 2', 60_000, async () => (await ring.formerNodes()).length === 0);
  await givenBack(ring, 2);
  t.deepEqual(
    (await ring.nodes()).map(({ executorId }) => executorId),
    [0, 3].map(executor),
  );
  t.deepEqual(await changes(t.context), []);
});

test.serial(
  'a cluster that is destroyed leaves no process, no volume and no reservation; its backups stay',
  async (t) => {
    const { ring, scratch } = t.context;
    t.is((await ring.post('/cluster/destroy?yesDeleteData=true&cluster=other')).status, 400);
    t.is((await ring.post('/cluster/destroy?yesDeleteData=true&cluster=cassandra')).status, 200);
    await ring.until('no node is left', 120_000, async () => {
      return (await ring.nodes()).length + (await ring.formerNodes()).length === 0;
    });
    // The agents write down what they hold a moment after they have told it.
    await ring.until('nothing is reserved', 30_000, async () => reservations(ring).flat().length === 0);
    const volumes = (): string[] => globSync(join(ring.options.data, 'mesos/agents/*/work/volumes/roles/*/*'));
    await ring.until('no volume is left', 30_000, async () => volumes().length === 0);
    t.deepEqual(
      processesNaming(scratch).filter((line) => line.includes('CassandraDaemon')),
      [],
    );
    t.true(existsSync(join(ring.options.data, 'backup/cassandra/backups', `${BACKUP}.json`)));
  },
);
