// What only an embedded Mesos lets a test do: set its times, look at processes and files.
import { access, readFile } from 'node:fs/promises';
import test from 'ava';
import { isAlive } from '../../src/local/process-group.ts';
import { scalar } from '../../src/local/resources.ts';
import { embedded } from '../mesos/helpers/mesos.ts';
import { TestScheduler, testExecutor, testTask } from '../mesos/helpers/scheduler.ts';
import { environmentOf, executorOf, processesOf, processOf } from './processes.ts';
import { runServer } from './run-server.ts';

const EXECUTOR_ID = { value: 'node.0.executor' };

test('an executor finds itself in its sandbox, with the environment that an agent gives', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const { pid } = executorOf(scheduler.frameworkId.value);
  const environment = environmentOf(pid);
  const sandbox = environment['MESOS_SANDBOX'] ?? '';
  const path = `slaves/${offer.agentId.value}/frameworks/${scheduler.frameworkId.value}/executors/node.0.executor/runs/`;
  t.true(sandbox.includes(path));
  const { LIBPROCESS_IP: ip, MESOS_AGENT_ENDPOINT: endpoint } = environment;
  t.is(ip, offer.hostname);
  t.is(endpoint, `${offer.hostname}:${offer.url?.address.port}`);
  t.like(environment, {
    LIBPROCESS_PORT: '0',
    MESOS_CHECKPOINT: '1',
    MESOS_DIRECTORY: sandbox,
    MESOS_EXECUTOR_ID: 'node.0.executor',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '10secs',
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_RECOVERY_TIMEOUT: '15mins',
    MESOS_SLAVE_ID: offer.agentId.value,
    MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
    MESOS_SUBSCRIPTION_BACKOFF_MAX: '10secs',
    HOME: sandbox,
  });
  t.is(environment['USER'], undefined);
  await t.notThrowsAsync(access(`${sandbox}/stdout`));
  t.regex(await readFile(`${sandbox}/stderr`, 'utf8'), /subscribed at the Mesos agent/);
});

test('an executor that is killed takes its processes along, before its resources are offered again', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer, { wish: 'child' })]);
  const { data = [] } = await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const child = processOf(Number(Buffer.from(data).toString()));
  const executor = executorOf(scheduler.frameworkId.value);
  process.kill(executor.pid, 'SIGKILL');
  const { failure } = await scheduler.next('FAILURE');
  t.like(failure, { agentId: offer.agentId, executorId: EXECUTOR_ID, status: 9 });
  t.false(isAlive(child));
  t.is((await scheduler.expect('server', 'TASK_FAILED')).reason, 'REASON_EXECUTOR_TERMINATED');
  // More than what was refused is free now.
  const whole = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  t.deepEqual(whole.resources, offer.resources);
  t.deepEqual(whole.executorIds, []);
});

test('an executor that never subscribes is ended, and its task is failed', async (t) => {
  const mesos = await embedded(t, { executorRegistrationTimeoutMs: 300 });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  const executor = testExecutor('node.0.executor', { command: { value: 'exec sleep 600' } });
  await scheduler.launch(offer, [testTask('server', offer, { executor })]);
  const failed = await scheduler.expect('server', 'TASK_FAILED');
  t.is(failed.reason, 'REASON_EXECUTOR_REGISTRATION_TIMEOUT');
  t.is(failed.message, 'Executor did not register within 300ms');
});

test('a task that is killed before its executor has subscribed never starts', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  const executor = testExecutor('node.0.executor', {
    command: { value: 'exec sleep 600' },
    shutdownGracePeriod: { nanoseconds: 0 },
  });
  await scheduler.launch(offer, [testTask('server', offer, { executor })]);
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  const killed = await scheduler.expect('server', 'TASK_KILLED');
  t.like(killed, {
    reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    message: 'Killed before delivered to the executor',
    source: 'SOURCE_AGENT',
  });
  t.like((await scheduler.next('FAILURE')).failure, { executorId: EXECUTOR_ID });
});

test('an offer that is not answered is taken back after its time, and made anew', async (t) => {
  const mesos = await embedded(t, { offerTimeoutMs: 100 });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  await scheduler.next('RESCIND', ({ rescind }) => rescind.offerId.value === offer.id.value);
  const again = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  t.deepEqual(again.resources, offer.resources);
});

test('heartbeats keep coming', async (t) => {
  const mesos = await embedded(t, { heartbeatMs: 50 });
  const scheduler = await TestScheduler.open(mesos.url);
  const { subscribed } = await scheduler.next('SUBSCRIBED');
  t.is(subscribed.heartbeatIntervalSeconds, 0.05);
  for (let beat = 0; beat < 3; beat += 1) await scheduler.next('HEARTBEAT');
});

test('a framework that stays away longer than its failover timeout is removed, and its executors with it', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url, { failoverTimeout: 0.1 });
  const offer = await runServer(scheduler);
  const executor = executorOf(scheduler.frameworkId.value);
  scheduler.disconnect();
  const heir = await TestScheduler.subscribe(mesos.url);
  await heir.wholeOffer(({ agentId, resources }) => {
    const size = scalar(resources, 'cpus');
    const isThere = agentId.value === offer.agentId.value;
    if (isThere) t.true([0.2, 3.8, 4].includes(size), 'executor and task are free together');
    return isThere && size === 4;
  });
  t.false(isAlive(executor));
  const late = await TestScheduler.open(mesos.url, { id: scheduler.frameworkId });
  t.is((await late.next('ERROR')).error.message, 'Framework has been removed');
});

test('stopped with its executors, it leaves no process, also of one that does not want to end', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  await scheduler.call({ type: 'REVIVE' });
  const second = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  const executor = testExecutor('stubborn.executor', { shutdownGracePeriod: { nanoseconds: 100e6 } });
  await scheduler.launch(second, [testTask('stubborn', second, { executor, wish: 'stubborn' })]);
  await scheduler.expect('stubborn', 'TASK_STARTING', 'TASK_RUNNING');
  const { value: frameworkId } = scheduler.frameworkId;
  t.true(processesOf(frameworkId).length > 2);
  await mesos.stop({ killExecutors: true });
  t.deepEqual(processesOf(frameworkId), []);
});
