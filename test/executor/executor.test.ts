import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { Executor } from '../../src/executor/executor.ts';
import { createLogger } from '../../src/log.ts';
import { decodeHealth } from '../../src/mesos/messages.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { request } from '../cassandra/request.ts';
import { deferred, DirectoryServer } from '../helpers/directory-server.ts';
import { RecordingClient, reportOf } from '../helpers/recording-client.ts';
import { EXECUTOR_ID, makeHost, stepRequest, type Host } from '../helpers/step-context.ts';

const SERVER = `${EXECUTOR_ID}.server.1`;
const STEP = `${EXECUTOR_ID}.BACKUP.1.backup.1`;

const serverRequest = request({ clusterName: 'dev', executorId: EXECUTOR_ID, healthIntervalMs: 20 });

interface Running {
  host: Host;
  client: RecordingClient;
  /** All that were started, the newest last. */
  servers: DirectoryServer[];
  done: Promise<void>;
  launchStep: (change?: Partial<StepRequest>, taskId?: string) => Promise<void>;
}

async function start(
  t: ExecutionContext,
  prepare: (server: DirectoryServer) => void = () => undefined,
): Promise<Running> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  const client = new RecordingClient();
  const servers: DirectoryServer[] = [];
  const executor = new Executor({
    client,
    executorId: EXECUTOR_ID,
    startServer() {
      const server = new DirectoryServer(host.node, host.stagingDirectories);
      prepare(server);
      servers.push(server);
      return Promise.resolve(server);
    },
    openStorage: () => Promise.resolve(host.storage),
    pool: host.pool,
    hostname: 'localhost',
    shutdownGracePeriodMs: 5000,
    clock: systemClock,
    log: createLogger('test', 'silent'),
  });
  const stop = new AbortController();
  const done = executor.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await Promise.allSettled([done]);
  });
  const launchStep = (change?: Partial<StepRequest>, taskId = STEP) =>
    client.launch(taskId, { step: stepRequest(change) });
  return { host, client, servers, done, launchStep };
}

/** An executor whose Cassandra runs. */
async function startRunning(t: ExecutionContext): Promise<Running> {
  const running = await start(t);
  await running.client.launch(SERVER, { server: serverRequest });
  await running.client.until(SERVER, 'TASK_RUNNING');
  return running;
}

/** Makes the node's next snapshot wait; resolves `reached` when a step has come to it. */
function holdSnapshot({ host }: Running): { reached: Promise<void>; release: () => void } {
  const reached = deferred();
  const held = deferred();
  host.node.before = (operation) => {
    if (operation !== 'takeSnapshot') return undefined;
    reached.resolve();
    return held.promise;
  };
  return { reached: reached.promise, release: held.resolve };
}

test('the server task is STARTING, then RUNNING with its health, which is told again and again', async (t) => {
  const { client } = await startRunning(t);
  t.deepEqual(client.states(SERVER), ['TASK_STARTING', 'TASK_RUNNING']);
  const running = await client.until(SERVER, 'TASK_RUNNING');
  t.true(running.healthy);
  t.is(decodeHealth(running.data ?? new Uint8Array()).operationMode, 'NORMAL');
  await client.untilHolds(() => client.messages.length >= 3);
});

test('a node that is not NORMAL any more is reported as unhealthy, once', async (t) => {
  const { client, host } = await startRunning(t);
  host.node.state.operationMode = 'DRAINED';
  await client.untilHolds(() => client.updates.some(({ healthy }) => healthy === false));
  const { length } = client.messages;
  await client.untilHolds(() => client.messages.length > length + 2);
  t.is(client.updates.filter(({ healthy }) => healthy === false).length, 1);
});

test('a Cassandra that dies fails its task with its last words, and can be launched again', async (t) => {
  const { client, servers } = await startRunning(t);
  servers[0]?.die('exit code 3');
  const failed = await client.until(SERVER, 'TASK_FAILED');
  t.is(failed.message, 'Cassandra ended (exit code 3): ERROR OutOfMemoryError');
  await client.launch(`${SERVER}0`, { server: serverRequest });
  await client.until(`${SERVER}0`, 'TASK_RUNNING');
  t.is(servers.length, 2);
});

test('a Cassandra that does not come up fails its task and is stopped', async (t) => {
  const { client, servers } = await start(t, (server) => {
    server.whenReady = Promise.reject(new OperatorError('TIMEOUT', 'Cassandra is JOINING after 1000 ms'));
  });
  await client.launch(SERVER, { server: serverRequest });
  t.is((await client.until(SERVER, 'TASK_FAILED')).message, 'Cassandra is JOINING after 1000 ms');
  t.is(servers[0]?.stops.length, 1);
});

test('a killed server is drained and stopped', async (t) => {
  const { client, servers } = await startRunning(t);
  await client.kill(SERVER);
  await client.until(SERVER, 'TASK_KILLED');
  t.deepEqual(client.states(SERVER).slice(-2), ['TASK_KILLING', 'TASK_KILLED']);
  t.deepEqual(servers[0]?.stops, [{ drain: true, graceMs: 60_000 }]);
});

test('a server that is killed while it starts is stopped', async (t) => {
  const { client, servers } = await start(t, (server) => {
    server.whenReady = new Promise(() => undefined);
  });
  await client.launch(SERVER, { server: serverRequest });
  await client.until(SERVER, 'TASK_STARTING');
  await client.kill(SERVER);
  await client.until(SERVER, 'TASK_KILLED');
  t.true(servers.every(({ stops }) => stops.length === 1));
});

test('a second server is refused and named', async (t) => {
  const { client, servers } = await startRunning(t);
  await client.launch('other', { server: serverRequest });
  t.is((await client.until('other', 'TASK_FAILED')).message, `Cassandra runs already as task ${SERVER}`);
  t.is(servers.length, 1);
});

test('a step is RUNNING, tells its progress and ends FINISHED with its report', async (t) => {
  const running = await startRunning(t);
  const { client } = running;
  const { reached, release } = holdSnapshot(running);
  await running.launchStep();
  await reached;
  const progress = () => client.messages.flatMap((message) => ('progress' in message ? [message.progress] : []));
  // On a slow machine some are told before it is known what there is to do.
  await client.untilHolds(() => progress().some(({ report }) => report.remainingKeyspaces.length > 0));
  t.like(progress().at(-1), { taskId: STEP, report: { remainingKeyspaces: ['shop'] } });
  release();
  const { keyspaces, manifest } = reportOf(await client.until(STEP, 'TASK_FINISHED'));
  t.is(keyspaces['shop']?.status, 'SUCCESS');
  t.is(manifest?.files, 4);
  t.deepEqual(client.states(STEP), ['TASK_RUNNING', 'TASK_FINISHED']);
});

test('a second step is refused and the running one is named', async (t) => {
  const running = await startRunning(t);
  const { client } = running;
  const { reached, release } = holdSnapshot(running);
  await running.launchStep();
  await reached;
  await running.launchStep({}, 'other');
  const refused = await client.until('other', 'TASK_FAILED');
  t.is(refused.message, `another step is running on this node: ${STEP}`);
  t.is(reportOf(refused).errors[0]?.code, 'TASK_LOST');
  release();
  await client.until(STEP, 'TASK_FINISHED');
});

test('a step that is killed cleans up and ends KILLED', async (t) => {
  const running = await startRunning(t);
  const { client, host } = running;
  const { reached, release } = holdSnapshot(running);
  await running.launchStep();
  await reached;
  await client.kill(STEP);
  release();
  const killed = await client.until(STEP, 'TASK_KILLED');
  t.is(killed.message, 'the step was killed');
  t.is(reportOf(killed).errors[0]?.code, 'ABORTED');
  t.deepEqual(host.node.snapshots(), []);
});

test('a step whose Cassandra dies ends with that reason', async (t) => {
  const running = await startRunning(t);
  const { client, servers } = running;
  const { reached, release } = holdSnapshot(running);
  await running.launchStep();
  await reached;
  servers[0]?.die('exit code 137');
  await client.until(SERVER, 'TASK_FAILED');
  release();
  const failed = await client.until(STEP, 'TASK_FAILED');
  t.is(failed.message, 'Cassandra exited with exit code 137 during the step');
  t.like(reportOf(failed).errors[0], { executorId: EXECUTOR_ID, code: 'CASSANDRA_UNAVAILABLE' });
});

test('a step without a running Cassandra fails and may be tried again', async (t) => {
  const { client, launchStep } = await start(t);
  await launchStep();
  const failed = await client.until(STEP, 'TASK_FAILED');
  t.is(reportOf(failed).errors[0]?.code, 'CASSANDRA_UNAVAILABLE');
});

test('a cleanup is done also after Cassandra has died', async (t) => {
  const { client, servers, launchStep } = await startRunning(t);
  servers[0]?.die('exit code 137');
  await client.until(SERVER, 'TASK_FAILED');
  await launchStep({ phase: 'cleanup' });
  await client.until(STEP, 'TASK_FINISHED');
  t.deepEqual(client.states(STEP), ['TASK_RUNNING', 'TASK_FINISHED']);
});

test('a step on a node that is not NORMAL says what it is', async (t) => {
  const { client, host, launchStep } = await startRunning(t);
  host.node.state.operationMode = 'LEAVING';
  await launchStep();
  t.is((await client.until(STEP, 'TASK_FAILED')).message, 'expected Cassandra to be NORMAL, it is LEAVING');
});

test('a task that is delivered twice runs once, and its end is said again', async (t) => {
  const { client, host, launchStep } = await startRunning(t);
  await launchStep();
  await client.until(STEP, 'TASK_FINISHED');
  await launchStep();
  await client.launch(SERVER, { server: serverRequest });
  t.deepEqual(client.states(STEP), ['TASK_RUNNING', 'TASK_FINISHED', 'TASK_FINISHED']);
  t.is(client.states(SERVER).filter((state) => state === 'TASK_STARTING').length, 1);
  t.is(host.node.calls.filter((call) => call.startsWith('takeSnapshot')).length, 1);
});

test('a task that cannot be read is refused', async (t) => {
  const { client } = await start(t);
  await client.launch('odd', new Uint8Array());
  t.regex((await client.until('odd', 'TASK_FAILED')).message ?? '', /expected server or step/);
});

test('SHUTDOWN ends the step, then Cassandra, then the executor', async (t) => {
  const running = await startRunning(t);
  const { client, servers, host, done } = running;
  const { reached, release } = holdSnapshot(running);
  await running.launchStep();
  await reached;
  await client.send({ type: 'SHUTDOWN' });
  release();
  await done;
  t.is(client.states(STEP).at(-1), 'TASK_KILLED');
  t.is(client.states(SERVER).at(-1), 'TASK_KILLED');
  t.deepEqual(host.node.snapshots(), []);
  t.true(servers[0]?.stops[0]?.drain);
  t.true((servers[0]?.stops[0]?.graceMs ?? Infinity) <= 4500);
});

test('an executor that has lost its agent for good stops Cassandra before it fails', async (t) => {
  const { client, servers, done } = await startRunning(t);
  client.lose(new OperatorError('MESOS_UNAVAILABLE', 'the agent is away'));
  await t.throwsAsync(done, { code: 'MESOS_UNAVAILABLE' });
  t.is(servers[0]?.stops.length, 1);
});
