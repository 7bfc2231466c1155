// An embedded Mesos whose parts end and come back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { isAlive } from '../../src/local/process-group.ts';
import { scalar } from '../../src/local/resources.ts';
import { embedded, temporaryDirectory } from '../mesos/helpers/mesos.ts';
import { TestScheduler, testTask } from '../mesos/helpers/scheduler.ts';
import { executorOf, processOf } from './processes.ts';
import { runAnother, runServer } from './run-server.ts';

const EMBEDDED = fileURLToPath(new URL('../mesos/helpers/embedded.ts', import.meta.url));
const EXECUTOR_ID = { value: 'node.0.executor' };

test('a restarted agent is the one it was: its executor subscribes again and the task goes on', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const executor = executorOf(scheduler.frameworkId.value);
  const other = await scheduler.offer(({ agentId }) => agentId.value !== offer.agentId.value);
  for (const index of [0, 1]) await mesos.agent(index).restart();
  t.deepEqual((await scheduler.next('RESCIND')).rescind.offerId, other.id);
  const again = await scheduler.offer(({ agentId }) => agentId.value === other.agentId.value);
  t.is(again.url?.address.port, other.url?.address.port);
  await runAnother(scheduler, offer);
  t.true(isAlive(executor));
});

test('an executor that does not come back to its restarted agent is ended, and its task is failed', async (t) => {
  const mesos = await embedded(t, { executorReregistrationTimeoutMs: 300 });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  await runServer(scheduler);
  const executor = executorOf(scheduler.frameworkId.value);
  process.kill(executor.pid, 'SIGSTOP');
  for (const index of [0, 1]) await mesos.agent(index).restart();
  const failed = await scheduler.expect('server', 'TASK_FAILED');
  t.is(failed.reason, 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT');
  t.is(failed.message, 'Executor did not reregister within 300ms');
  t.false(isAlive(executor));
});

test('an agent out of reach makes its tasks unreachable, and running again when it is back', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const agent = [mesos.agent(0), mesos.agent(1)].find(({ id }) => id === offer.agentId.value);
  await scheduler.call({ type: 'REVIVE' });
  const held = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  agent?.fail();
  const lost = await scheduler.update('server', 'TASK_UNREACHABLE');
  t.like(lost, { message: 'health check timed out', source: 'SOURCE_MASTER', reason: 'REASON_AGENT_REMOVED' });
  t.is(lost.uuid, undefined);
  t.deepEqual((await scheduler.next('RESCIND')).rescind.offerId, held.id);
  const { failure } = await scheduler.next('FAILURE');
  t.deepEqual(failure, { agentId: offer.agentId });
  const task = { taskId: { value: 'server' }, agentId: offer.agentId };
  await scheduler.call({ type: 'RECONCILE', reconcile: { tasks: [task] } });
  const asked = await scheduler.update('server', 'TASK_UNREACHABLE');
  t.is(asked.message, 'Reconciliation: Task is unreachable');
  await agent?.connect();
  const back = await scheduler.update('server', 'TASK_RUNNING');
  t.like(back, { message: 'Unreachable agent re-reregistered', reason: 'REASON_AGENT_REREGISTERED' });
  t.is(back.uuid, undefined);
  await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
});

test('an agent that stays away too long is given up', async (t) => {
  const mesos = await embedded(t, { agentTimeoutMs: 100 });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const agent = [mesos.agent(0), mesos.agent(1)].find(({ id }) => id === offer.agentId.value);
  await agent?.stop();
  await scheduler.update('server', 'TASK_UNREACHABLE');
  await agent?.start();
  t.is((await scheduler.update('server', 'TASK_RUNNING')).reason, 'REASON_AGENT_REREGISTERED');
});

test('a new master takes a framework by the id that the old one gave, and knows its tasks from the agents', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  await mesos.restartMaster();
  await scheduler.ended();
  const again = await TestScheduler.subscribe(mesos.url, { id: scheduler.frameworkId });
  t.deepEqual(again.frameworkId, scheduler.frameworkId);
  const rest = await again.offer(({ agentId }) => agentId.value === offer.agentId.value);
  t.deepEqual(rest.executorIds, [EXECUTOR_ID]);
  t.is(scalar(rest.resources, 'cpus'), 3.8);
  await again.call({ type: 'RECONCILE', reconcile: { tasks: [] } });
  t.is((await again.update('server', 'TASK_RUNNING')).message, 'Reconciliation: Latest task state');
});

test('executors outlive an embedded Mesos that is killed, and the next one goes on with them', async (t) => {
  const workDir = await temporaryDirectory(t);
  const first = spawn(process.execPath, [EMBEDDED, workDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => first.kill('SIGKILL'));
  const [url] = (await once(first.stdout, 'data')) as [Buffer];
  const scheduler = await TestScheduler.subscribe(url.toString().trim());
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  const { uuid } = await scheduler.update('server', 'TASK_STARTING');
  const executor = executorOf(scheduler.frameworkId.value);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const mesos = await embedded(t, { workDir });
  t.is(mesos.url, url.toString().trim());
  t.true(isAlive(executor));
  const again = await TestScheduler.subscribe(mesos.url, { id: scheduler.frameworkId });
  const starting = await again.update('server', 'TASK_STARTING');
  t.deepEqual(starting.uuid, uuid);
  await again.acknowledge(starting);
  await again.expect('server', 'TASK_RUNNING');
  await runAnother(again, offer);
  t.true(isAlive(executor));
});

test('the task of an executor that ended while nobody watched is failed by the next embedded Mesos', async (t) => {
  const workDir = await temporaryDirectory(t);
  const mesos = await embedded(t, { workDir });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer, { wish: 'child' })]);
  const { data = [] } = await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const child = processOf(Number(Buffer.from(data).toString()));
  const executor = executorOf(scheduler.frameworkId.value);
  await mesos.stop({ killExecutors: false });
  t.true(isAlive(executor));
  process.kill(executor.pid, 'SIGKILL');
  const next = await embedded(t, { workDir });
  const again = await TestScheduler.subscribe(next.url, { id: scheduler.frameworkId });
  const failed = await again.expect('server', 'TASK_FAILED');
  t.is(failed.reason, 'REASON_EXECUTOR_TERMINATED');
  t.false(isAlive(child));
});
