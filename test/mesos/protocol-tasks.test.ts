// The wire protocol of a Mesos master and its agents, seen by a scheduler: tasks and executors. Against MESOS_MASTER
// when that is set (its agents must be able to run this directory's test executor), else against the embedded one.
import { contains, scalar } from '../../src/local/resources.ts';
import { subscribed } from './helpers/mesos.ts';
import { test } from './helpers/protocol-test.ts';
import { testExecutor, testTask, type TestScheduler } from './helpers/scheduler.ts';

/** What the executor says next. */
async function nextMessage(scheduler: TestScheduler): Promise<string> {
  const { message } = await scheduler.next('MESSAGE');
  return Buffer.from(message.data).toString();
}

test('two tasks of one executor launch, and their updates come one after the other, each once acknowledged', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  const tasks = [testTask('server', offer), testTask('backup', offer, { wish: 'finish' })];
  t.is((await scheduler.launch(offer, tasks)).status, 202);
  const starting = await scheduler.update('server', 'TASK_STARTING');
  t.is(starting.source, 'SOURCE_EXECUTOR');
  t.is(starting.executorId?.value, 'node.0.executor');
  await scheduler.acknowledge(starting);
  const running = await scheduler.expect('server', 'TASK_RUNNING');
  t.is(Buffer.from(running.data ?? []).toString(), 'progress-1');
  const finished = await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED');
  t.is(Buffer.from(finished.data ?? []).toString(), 'done');
});

test('what executor and tasks hold is not offered, and offered again when a task has ended', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  const ofAgent = ({ agentId }: typeof offer) => agentId.value === offer.agentId.value;
  const ports = { name: 'ports', type: 'RANGES' as const, ranges: { range: [{ begin: 31_005, end: 31_006 }] } };
  const server = testTask('server', offer);
  await scheduler.launch(offer, [
    { ...server, resources: [...server.resources, ports] },
    testTask('backup', offer, { cpus: 0.2 }),
  ]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.call({ type: 'REVIVE' });
  const rest = await scheduler.offer(ofAgent);
  t.deepEqual(rest.executorIds, [{ value: 'node.0.executor' }]);
  // 0.1 for the executor, 0.1 and 0.2 for the tasks: thousandths, not what binary fractions make of them.
  t.is(scalar(rest.resources, 'cpus'), Math.round((scalar(offer.resources, 'cpus') - 0.4) * 1000) / 1000);
  t.is(scalar(rest.resources, 'mem'), scalar(offer.resources, 'mem') - 64);
  t.false(contains(rest.resources, [ports]));
  await scheduler.call({ type: 'DECLINE', decline: { offerIds: [rest.id], filters: { refuseSeconds: 3600 } } });
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED');
  const more = await scheduler.offer(ofAgent);
  t.is(scalar(more.resources, 'mem'), scalar(offer.resources, 'mem') - 48);
  t.true(contains(more.resources, [ports]));
});

test('tasks that cannot be launched are refused with the reason', async (t) => {
  const { scheduler } = await subscribed(t);
  const ofAgent = (agentId: string) => scheduler.offer((offer) => offer.agentId.value === agentId);
  const used = await scheduler.offer();
  const agentId = used.agentId.value;
  await scheduler.launch(used, [testTask('too-big', used, { cpus: 9999 })], 0);
  const tooBig = await scheduler.update('too-big', 'TASK_ERROR');
  t.is(tooBig.reason, 'REASON_TASK_INVALID');
  t.true(
    tooBig.message?.startsWith('Total resources cpus(allocated: *):9999.1; mem(allocated: *):48 required by task'),
  );
  await scheduler.launch(used, [testTask('stale', used)], 0);
  const stale = await scheduler.update('stale', 'TASK_DROPPED');
  t.is(stale.reason, 'REASON_INVALID_OFFERS');
  t.is(stale.message, `Task launched with invalid offers: Offer ${used.id.value} is no longer valid`);
  const offer = await ofAgent(agentId);
  await scheduler.launch(offer, [testTask('server', offer), testTask('server', offer)], 0);
  const twice = await scheduler.update('server', 'TASK_ERROR');
  t.is(twice.message, 'Task has duplicate ID: server');
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const other = await ofAgent(agentId);
  const executor = testExecutor('node.0.executor', { command: { value: 'exec other' } });
  await scheduler.launch(other, [testTask('other', other, { executor })], 0);
  const incompatible = await scheduler.update('other', 'TASK_ERROR');
  t.true(
    incompatible.message?.startsWith(
      'ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n',
    ),
  );
  t.regex(incompatible.message ?? '', /\nExecutorInfo:\n(.*\n)*command \{\n {2}value: "exec other"\n\}\n/);
});

test('an ended task whose end was acknowledged leaves its id to the next', async (t) => {
  const { scheduler } = await subscribed(t);
  const first = await scheduler.offer();
  await scheduler.launch(first, [testTask('server', first), testTask('backup', first, { wish: 'finish' })], 0);
  await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED');
  const second = await scheduler.offer(({ agentId }) => agentId.value === first.agentId.value);
  await scheduler.launch(second, [testTask('backup', second, { wish: 'fail' })]);
  const failed = await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED');
  t.is(failed.message, 'executor says why');
});

test('a killed task says TASK_KILLING and TASK_KILLED; of an unknown one only that it is unknown', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  t.is((await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED')).source, 'SOURCE_EXECUTOR');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'never.was' } } });
  const unknown = await scheduler.update('never.was', 'TASK_UNKNOWN');
  t.is(unknown.reason, 'REASON_RECONCILIATION');
  t.is(unknown.uuid, undefined);
});

test('an update is sent again until it is acknowledged, and only then the next one', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  const starting = await scheduler.update('server', 'TASK_STARTING');
  t.deepEqual(await scheduler.update('server', 'TASK_STARTING'), starting);
  t.is(scheduler.count('UPDATE'), 0);
  await scheduler.acknowledge(starting);
  await scheduler.expect('server', 'TASK_RUNNING');
});

test('reconciliation tells the state of known tasks, and which ones are unknown', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.call({ type: 'RECONCILE', reconcile: { tasks: [] } });
  const { agentId } = offer;
  const implicit = await scheduler.update('server', 'TASK_RUNNING');
  t.like(implicit, {
    message: 'Reconciliation: Latest task state',
    source: 'SOURCE_MASTER',
    reason: 'REASON_RECONCILIATION',
    agentId,
    executorId: { value: 'node.0.executor' },
  });
  t.is(implicit.uuid, undefined);
  t.is(implicit.data, undefined);
  const nowhere = { value: 'no-such-agent' };
  const tasks = [
    { taskId: { value: 'server' }, agentId },
    { taskId: { value: 'never.was' }, agentId },
    { taskId: { value: 'never.was2' } },
    { taskId: { value: 'never.was3' }, agentId: nowhere },
  ];
  await scheduler.call({ type: 'RECONCILE', reconcile: { tasks } });
  t.is((await scheduler.update('server', 'TASK_RUNNING')).message, 'Reconciliation: Latest task state');
  const gone = await scheduler.update('never.was', 'TASK_GONE');
  t.like(gone, { message: 'Reconciliation: Task is unknown to the agent', agentId });
  const unknown = await scheduler.update('never.was2', 'TASK_UNKNOWN');
  t.is(unknown.message, 'Reconciliation: Task is unknown');
  t.deepEqual((await scheduler.update('never.was3', 'TASK_UNKNOWN')).agentId, nowhere);
});

test('messages go both ways between scheduler and executor', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer, { wish: 'message' })]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  t.is(await nextMessage(scheduler), 'subscribed');
  t.is(await nextMessage(scheduler), 'hello scheduler');
  const message = { agentId: offer.agentId, executorId: { value: 'node.0.executor' }, data: Buffer.from('you') };
  await scheduler.call({ type: 'MESSAGE', message });
  t.is(await nextMessage(scheduler), 'echo you');
});

test('an executor that exits is a FAILURE with its wait status, and the end of its tasks', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer), testTask('exit', offer, { wish: 'exit' })]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.expect('exit', 'TASK_STARTING', 'TASK_RUNNING');
  const { failure } = await scheduler.next('FAILURE');
  t.like(failure, { agentId: offer.agentId, executorId: { value: 'node.0.executor' }, status: 3 * 256 });
  for (const id of ['server', 'exit']) {
    const failed = await scheduler.expect(id, 'TASK_FAILED');
    t.like(failed, { message: 'Executor terminated', source: 'SOURCE_AGENT', reason: 'REASON_EXECUTOR_TERMINATED' });
  }
});

test('a program that cannot be started is the end of its task', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  const executor = testExecutor('node.0.executor', { command: { value: 'exec /no/such/program' } });
  await scheduler.launch(offer, [testTask('server', offer, { executor })]);
  const failed = await scheduler.expect('server', 'TASK_FAILED');
  t.is(failed.reason, 'REASON_EXECUTOR_TERMINATED');
});

test('files that cannot be fetched are the end of their task', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  const command = { value: 'exec sleep 600', uris: [{ value: '/no/such/file.tar.gz' }] };
  const executor = testExecutor('node.0.executor', { command });
  await scheduler.launch(offer, [testTask('server', offer, { executor })]);
  const failed = await scheduler.expect('server', 'TASK_FAILED');
  t.is(failed.reason, 'REASON_CONTAINER_LAUNCH_FAILED');
  t.true(failed.message?.startsWith('Failed to launch container: Failed to fetch all URIs for container'));
});

test('SHUTDOWN ends an executor, and its tasks with it', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const executorId = { value: 'node.0.executor' };
  await scheduler.call({ type: 'SHUTDOWN', shutdown: { executorId, agentId: offer.agentId } });
  const { failure } = await scheduler.next('FAILURE');
  t.is(failure.status, 0);
  t.is((await scheduler.expect('server', 'TASK_FAILED')).message, 'Executor terminated');
});

test('an executor that subscribes again goes on with its tasks', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)], 0);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const executorId = { value: 'node.0.executor' };
  const data = new Uint8Array();
  t.is(await nextMessage(scheduler), 'subscribed');
  await scheduler.call({ type: 'MESSAGE', message: { agentId: offer.agentId, executorId, data } });
  t.is(await nextMessage(scheduler), 'subscribed');
  const again = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  await scheduler.launch(again, [testTask('backup', again, { wish: 'finish' })]);
  await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED');
});
