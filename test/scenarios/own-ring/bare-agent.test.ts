// An agent that has nothing but /bin/sh, tar and a Java: everything else it fetches from the scheduler.
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import cassandra from 'cassandra-driver';
import { buildExecutor } from '../../../scripts/lib/executor-bundle.ts';
import { servedFiles } from '../../../src/artifacts/artifacts.ts';
import { executorLaunch } from '../../../src/artifacts/launch.ts';
import { prepareArtifacts } from '../../../src/artifacts/prepare.ts';
import { decodeHealth, encodeNodeTask } from '../../../src/mesos/messages.ts';
import type { TaskStatus } from '../../../src/mesos/types.ts';
import type { ServerRequest } from '../../../src/model/step.ts';
import { startApi } from '../../api/helpers.ts';
import { barePath, fetchedExecutor, fetchedServer, roomyOffer } from '../../artifacts/agents.ts';
import { CASSANDRA_HOME, smallNode } from '../../cassandra/real-cassandra.ts';
import { stepRequest } from '../../helpers/step-context.ts';
import { environmentOf, executorOf } from '../../local/processes.ts';
import { embedded } from '../../mesos/helpers/mesos.ts';
import { TestScheduler, testTask } from '../../mesos/helpers/scheduler.ts';

/** A scheduler's API that serves the executor, this Node and the real Cassandra. */
async function serveAll(t: ExecutionContext, directory: string) {
  const executorBundle = join(directory, 'executor.tgz');
  await buildExecutor(executorBundle);
  const artifacts = await prepareArtifacts({
    stateDirectory: join(directory, 'state'),
    executorBundle,
    nodeBinary: process.execPath,
    cassandra: CASSANDRA_HOME,
  });
  const api = await startApi(t, { deps: { artifacts: servedFiles(artifacts) } });
  return executorLaunch({ baseUrl: api.url, artifacts, javaHome: null, nodeOptions: [] });
}

/** Cassandra may take longer to start than the test's scheduler waits for one event. */
async function running(scheduler: TestScheduler): Promise<TaskStatus> {
  for (let left = 5; ; left -= 1) {
    try {
      return await scheduler.expect('server', 'TASK_RUNNING');
    } catch (error) {
      if (left === 0 || scheduler.count('UPDATE') > 0) throw error;
    }
  }
}

async function writeRow({ address, ports, datacenter }: ServerRequest): Promise<void> {
  const client = new cassandra.Client({
    contactPoints: [`${address}:${ports.native}`],
    localDataCenter: datacenter,
  });
  try {
    await client.execute(`CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    await client.execute('CREATE TABLE ks.t (id int PRIMARY KEY)');
    await client.execute('INSERT INTO ks.t (id) VALUES (1)');
  } finally {
    await client.shutdown();
  }
}

test('an agent that has nothing but /bin/sh, tar and a Java runs Cassandra and backs it up', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cassandra-mesos-bare-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const launch = await serveAll(t, directory);
  const PATH = await barePath(directory);
  const bare = { ...launch, executorEnvironment: { ...launch.executorEnvironment, PATH } };
  const request = await smallNode(directory, '127.0.0.31');
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);

  const offer = await scheduler.offer();
  await scheduler.launch(offer, [fetchedServer('server', offer, bare, request)], 0);
  await scheduler.expect('server', 'TASK_STARTING');
  const { MESOS_SANDBOX: sandbox = '', PATH: given } = environmentOf(executorOf(scheduler.frameworkId.value).pid);
  t.is(given, PATH);
  const { healthy, data } = await running(scheduler);
  t.true(healthy);
  t.like(decodeHealth(data ?? new Uint8Array()), { operationMode: 'NORMAL', version: '5.0.5' });
  t.true(existsSync(join(sandbox, 'cassandra/lib')));

  // The threads that copy have files of their own in the bundle.
  await writeRow(request);
  const { executorId } = request;
  const step = stepRequest({ executorId, cluster: 'test-cluster', location: `file://${directory}/backup` });
  const rest = await roomyOffer(scheduler, offer);
  const task = testTask('backup', rest, { executor: fetchedExecutor(executorId, bare) });
  await scheduler.launch(rest, [{ ...task, data: encodeNodeTask({ step }) }]);
  await scheduler.expect('backup', 'TASK_RUNNING', 'TASK_FINISHED');
  const stored = globSync(`test-cluster/${executorId}/monday/ks/t/*-Data.db`, { cwd: join(directory, 'backup') });
  t.is(stored.length, 1);

  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED');
});
