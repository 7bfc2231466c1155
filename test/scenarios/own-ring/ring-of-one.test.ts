import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import anyTest, { type TestFn } from 'ava';
import { createSchema, differences, digest, writeRows } from '../../../scripts/lib/dataset.ts';
import { LocalRing } from '../../../scripts/lib/local-ring.ts';
import { backupAndRestore } from '../back-up-and-restore.ts';
import { clientOf, executor, newName, processesNaming, run } from '../ring.ts';
import { createSmall, drop } from '../small-table.ts';
import { VERSITYGW } from '../../storage/versitygw.ts';
import { backUpByRequest, loseCredentials } from './request-credentials.ts';

interface Context {
  ring: LocalRing;
  scratch: string;
  /** Bodies of what the webhook was told. */
  told: string[];
}

const test = anyTest as TestFn<Context>;
const withStore = VERSITYGW === null ? test.skip : test;

test.before(async (t) => {
  t.context = await ringOfOne();
});

test.after.always(async (t) => {
  await t.context.ring.stop();
  await rm(t.context.scratch, { recursive: true, force: true });
});

/** One node from a distribution's archive, which the agent fetches, with two data directories. */
async function ringOfOne(): Promise<Context> {
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
  const { told, url } = await startWebhook();
  const ring = new LocalRing({ nodes: 1, port: 18_181, data, args, env: { CASSANDRA_WEBHOOK_URL: url } });
  await ring.start();
  await ring.ready(300_000);
  return { ring, scratch, told };
}

/** Ends with the process. */
async function startWebhook(): Promise<{ told: string[]; url: string }> {
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    void text(request).then((body) => told.push(body));
    response.end();
  });
  receiver.listen(0, '127.0.0.1').unref();
  await once(receiver, 'listening');
  return { told, url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` };
}

test('a ring of one has every row as it was at backup time', async (t) => {
  await backupAndRestore(t, t.context.ring, 1);
});

test('a backup with every node down is a FAILURE with the reason and an end, and the next one works', async (t) => {
  const { ring } = t.context;
  await ring.post(`/node/${executor(0)}/stop`);
  const backup = await run(t, ring, 'backup', `name=${newName('down')}`);
  t.is(backup.result, 'FAILURE');
  t.not(backup.finished, null);
  t.deepEqual(
    backup.completedNodes.map(({ executorId, failure }) => [executorId, failure?.failed]),
    [[executor(0), true]],
  );
  t.like(backup.errors, [{ executorId: executor(0), code: 'NODE_STOPPED' }]);
  // Until then it may still look as it did before it was told to stop.
  await ring.until('the node has stopped', 60_000, async () => (await ring.nodes())[0]?.serverState === 'NONE');
  await ring.post(`/node/${executor(0)}/start`);
  await ring.ready(120_000);
  const client = clientOf(ring);
  t.teardown(() => client.shutdown());
  await createSmall(client, 'next', 10, 1);
  t.is((await run(t, ring, 'backup', `name=${newName('up')}`)).result, 'SUCCESS');
  await drop(client, 'next');
});

withStore('credentials of a request reach the node, and nothing of them is left or told anywhere', async (t) => {
  const client = clientOf(t.context.ring);
  t.teardown(() => client.shutdown());
  await backUpByRequest(t, { ...t.context, client });
});

withStore('credentials are lost with the scheduler: the job says so, and goes on when they come again', async (t) => {
  const client = clientOf(t.context.ring);
  t.teardown(() => client.shutdown());
  await loseCredentials(t, { ...t.context, client });
});

test('a ring that was stopped leaves no process, and comes back as the same ring', async (t) => {
  const { ring, scratch } = t.context;
  const client = clientOf(ring);
  await createSchema(client, 1);
  await writeRows(client, 1);
  const before = await digest(client);
  await client.shutdown();
  const nodes = await ring.nodes();

  await ring.stop();
  t.deepEqual(processesNaming(scratch), []);
  await ring.start();
  await ring.ready(300_000);
  const again = clientOf(ring);
  t.teardown(() => again.shutdown());
  t.deepEqual(differences(before, await digest(again)), []);
  t.deepEqual(
    (await ring.nodes()).map(({ executorId }) => executorId),
    nodes.map(({ executorId }) => executorId),
  );
});
