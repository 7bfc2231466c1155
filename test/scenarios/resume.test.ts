import { randomBytes } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { ended, executor, job, newName, ownSnapshots, run, start, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'resuming';
useSmall(test, KEYSPACE);

interface Paced extends Omit<JobJson, 'completedNodes' | 'currentNode'> {
  bandwidth: number | null;
  bytesSent?: number;
  bytesDone: number;
  currentNode: { executorId: string; bytesDone: number; bandwidth: number | null } | null;
  completedNodes: { executorId: string; bytesSent?: number; bytesDone: number }[];
}

const paced = async (ring: LocalRing, id: number): Promise<Paced> => (await job(ring, id)) as unknown as Paced;

test('a backup that is slowed down while it runs and then killed is resumed with what is missing, and restored row by row', async (t) => {
  const { ring, client } = t.context;
  // Nothing that compression could make small.
  for (let id = 0; id < 100; id += 1) await put(client, KEYSPACE, 1000 + id, randomBytes(4096).toString('hex'));
  const rows = await contents(client, KEYSPACE);

  const name = newName('resumed');
  const id = await start(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&mode=full&bandwidth=400kB/s`);
  await ring.until('the second node copies', 60_000, async () => {
    const { currentNode } = await paced(ring, id);
    return currentNode?.executorId === executor(1) && currentNode.bytesDone > 0;
  });
  const change = await ring.post(`/cluster/jobs/${id}/bandwidth?bandwidth=20kB/s`);
  t.deepEqual(change.body, { job: id, bandwidth: 20_000, clusterBandwidth: null });
  await ring.until('the node goes by the new limit', 10_000, async () => {
    const { bandwidth, currentNode } = await paced(ring, id);
    t.is(bandwidth, 20_000);
    return currentNode?.bandwidth === 20_000;
  });
  await ring.post('/cluster/backup/abort?now=true');
  const aborted = (await ended(ring, 'backup', id, 60_000)) as unknown as Paced;
  t.is(aborted.result, 'ABORTED');
  t.like((await ring.get(`/cluster/backups/${name}`)).body, { state: 'INCOMPLETE' });

  const resumed = (await run(t, ring, 'backup', `name=${name}&resume=true`)) as unknown as Paced;
  t.is(resumed.result, 'SUCCESS', JSON.stringify(resumed.errors));
  const sent = new Map(resumed.completedNodes.map((node) => [node.executorId, node]));
  t.is(sent.get(executor(0))?.bytesSent, 0, 'the first node was through');
  t.true((sent.get(executor(0))?.bytesDone ?? 0) > 400_000, 'and its part counts');
  t.is(sent.get(executor(2))?.bytesSent, sent.get(executor(2))?.bytesDone, 'the third had not begun');
  t.true((resumed.bytesSent ?? 0) < resumed.bytesDone);
  t.like((await ring.get(`/cluster/backups/${name}`)).body, { state: 'COMPLETE' });
  const again = await ring.post(`/cluster/backup/start?name=${name}&resume=true`);
  t.is(again.status, 409);
  t.like(again.body, { error: { code: 'NAME_TAKEN' } });
  t.deepEqual(ownSnapshots(ring), []);

  await client.execute(`TRUNCATE ${KEYSPACE}.t`);
  const restore = await run(t, ring, 'restore', `name=${name}&strategy=parallel`);
  t.is(restore.result, 'SUCCESS', JSON.stringify(restore.errors));
  t.deepEqual(await contents(client, KEYSPACE), rows);
});
