import { randomUUID } from 'node:crypto';
import test from 'ava';
import { encodeExecutorCall } from '../../src/mesos/messages.ts';
import type { ExecutorCall, TaskStatus } from '../../src/mesos/types.ts';
import { embedded } from '../mesos/helpers/mesos.ts';
import { TestScheduler, testExecutor, testTask } from '../mesos/helpers/scheduler.ts';
import { runServer } from './run-server.ts';

type Refusal = (call: ExecutorCall, frameworkId: string, executorId?: string) => Promise<[number, string]>;

/** Speaks to an agent as an executor would. */
function executorAt(port: number, ip: string): Refusal {
  return async (call, frameworkId, executorId = 'node.0.executor') => {
    const body = encodeExecutorCall(call, {
      executorId: { value: executorId },
      frameworkId: { value: frameworkId },
    });
    const headers = { 'Content-Type': 'application/x-protobuf' };
    const response = await fetch(`http://${ip}:${port}/api/v1/executor`, { method: 'POST', headers, body });
    return [response.status, await response.text()];
  };
}

const uuid = () => Uint8Array.from(Buffer.from(randomUUID().replaceAll('-', ''), 'hex'));

const update = (changes: Partial<TaskStatus>): ExecutorCall => ({
  type: 'UPDATE',
  update: {
    status: {
      taskId: { value: 'server' },
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      uuid: uuid(),
      ...changes,
    },
  },
});

test('an agent knows its executors, and refuses others', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  const silent = testExecutor('node.0.executor', {
    command: { value: 'exec sleep 600' },
    shutdownGracePeriod: { nanoseconds: 0 },
  });
  await scheduler.launch(offer, [testTask('server', offer, { executor: silent })]);
  const call = executorAt(offer.url?.address.port ?? 0, offer.hostname);
  const { value: frameworkId } = scheduler.frameworkId;
  t.deepEqual(await call(update({}), 'other'), [400, 'Framework cannot be found']);
  t.deepEqual(await call(update({}), frameworkId, 'other'), [400, 'Executor cannot be found']);
  t.deepEqual(await call(update({}), frameworkId), [403, 'Executor is not subscribed']);
});

test('an update that is none of the executor’s is refused with the reason', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const call = executorAt(offer.url?.address.port ?? 0, offer.hostname);
  const { value: frameworkId } = scheduler.frameworkId;
  const refused = async (changes: Partial<TaskStatus>) => {
    const [status, text] = await call(update(changes), frameworkId);
    t.is(status, 400);
    return text.replace('Failed to validate Executor::Call: ', '');
  };
  t.is(await refused({ uuid: new Uint8Array(3) }), 'Not a valid UUID');
  t.is(
    await refused({ executorId: { value: 'other' } }),
    'ExecutorID in Call: node.0.executor does not match ExecutorID in TaskStatus: other',
  );
  t.regex(await refused({ source: 'SOURCE_AGENT' }), /with invalid source, expecting 'SOURCE_EXECUTOR'$/);
  t.regex(await refused({ state: 'TASK_STAGING' }), /^Received TASK_STAGING from executor node\.0\.executor/);
  t.deepEqual(await call(update({ data: Buffer.from('by hand') }), frameworkId), [202, '']);
  const taken = await scheduler.update('server', 'TASK_RUNNING');
  t.is(Buffer.from(taken.data ?? []).toString(), 'by hand');
  t.deepEqual(taken.agentId, offer.agentId);
});
