// The wire protocol of a Mesos master, seen by a scheduler: subscriptions and offers. Against MESOS_MASTER when that
// is set (its agents must be able to run this directory's test executor), else against the embedded one.
import { scalar } from '../../src/local/resources.ts';
import { encodeSchedulerCall } from '../../src/mesos/messages.ts';
import { subscribed } from './helpers/mesos.ts';
import { test } from './helpers/protocol-test.ts';
import { FRAMEWORK, post, TestScheduler, testTask } from './helpers/scheduler.ts';

const revive = (frameworkId: string) => encodeSchedulerCall({ type: 'REVIVE' }, { value: frameworkId });

test('a scheduler that subscribes hears SUBSCRIBED, HEARTBEAT and the offers of the agents', async (t) => {
  const { scheduler } = await subscribed(t);
  t.regex(scheduler.frameworkId.value, /^[-0-9a-f]{36}-\d{4}$/);
  await scheduler.next('HEARTBEAT');
  const offer = await scheduler.offer();
  t.true(scalar(offer.resources, 'cpus') > 0);
  t.true(offer.resources.every(({ allocationInfo }) => allocationInfo?.role === '*'));
  t.is(offer.url?.path, '/slave(1)');
});

test('calls that are no calls of a subscribed scheduler are refused with the reason', async (t) => {
  const { scheduler, url } = await subscribed(t);
  const refusal = async (body: Uint8Array, headers?: Record<string, string>) => {
    const { status, text } = await post(url, body, headers);
    return [status, text];
  };
  const id = scheduler.frameworkId.value;
  const streamId = 'f1b0110a-8daa-4dc7-8069-671d635a2b19';
  t.deepEqual(await refusal(revive('no-such-framework')), [400, 'Framework cannot be found']);
  t.deepEqual(await refusal(Buffer.from('\0garbage\xff', 'latin1')), [400, 'Failed to parse body into Call protobuf']);
  t.deepEqual(await refusal(new Uint8Array()), [
    400,
    "Failed to validate scheduler::Call: Expecting 'type' to be present",
  ]);
  t.deepEqual(await refusal(revive(id), { 'Content-Type': 'text/plain' }), [
    415,
    "Expecting 'Content-Type' of application/json or application/x-protobuf",
  ]);
  const subscription = encodeSchedulerCall({ type: 'SUBSCRIBE', subscribe: { frameworkInfo: FRAMEWORK } });
  t.deepEqual(await refusal(subscription, { Accept: 'text/html' }), [
    406,
    "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
  ]);
  t.deepEqual(await refusal(revive(id)), [400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"]);
  t.deepEqual(await refusal(revive(id), { 'Mesos-Stream-Id': streamId }), [
    400,
    `The stream ID '${streamId}' included in this request didn't match the stream ID currently associated with ` +
      `framework ID ${id}`,
  ]);
});

test('a declined offer stays away while its filter lasts, and REVIVE brings it back at once', async (t) => {
  const { scheduler } = await subscribed(t);
  const first = await scheduler.offer();
  await scheduler.call({ type: 'DECLINE', decline: { offerIds: [first.id], filters: { refuseSeconds: 3600 } } });
  const second = await scheduler.offer(({ agentId }) => agentId.value !== first.agentId.value);
  // Without a filter it comes again by itself, and would bring the other one along.
  await scheduler.call({ type: 'DECLINE', decline: { offerIds: [second.id], filters: { refuseSeconds: 0 } } });
  await scheduler.offer(({ agentId }) => agentId.value === second.agentId.value);
  t.is(scheduler.count('OFFERS'), 0);
  await scheduler.call({ type: 'REVIVE' });
  const again = await scheduler.offer(({ agentId }) => agentId.value === first.agentId.value);
  t.not(again.id.value, first.id.value);
});

test('a scheduler that suppressed offers gets none until it revives them', async (t) => {
  const { scheduler } = await subscribed(t);
  const offer = await scheduler.offer();
  const ofAgent = ({ agentId }: typeof offer) => agentId.value === offer.agentId.value;
  await scheduler.call({ type: 'SUPPRESS' });
  const offersBefore = scheduler.count('OFFERS');
  await scheduler.launch(offer, [testTask('backup', offer, { wish: 'finish' })], 0);
  // The end of a task makes resources free, which is when they would be offered.
  await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'never.was' } } });
  await scheduler.update('never.was', 'TASK_UNKNOWN');
  t.is(scheduler.count('OFFERS'), offersBefore);
  await scheduler.call({ type: 'REVIVE' });
  t.deepEqual((await scheduler.offer(ofAgent)).executorIds, [{ value: 'node.0.executor' }]);
});

test('a scheduler that comes back with its id has its tasks, and hears what it has not acknowledged', async (t) => {
  const { scheduler, url } = await subscribed(t);
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  const { uuid } = await scheduler.update('server', 'TASK_STARTING');
  scheduler.disconnect();
  const { scheduler: again } = await subscribed(t, { id: scheduler.frameworkId, url });
  t.deepEqual(again.frameworkId, scheduler.frameworkId);
  const starting = await again.update('server', 'TASK_STARTING');
  t.deepEqual(starting.uuid, uuid);
  await again.acknowledge(starting);
  await again.expect('server', 'TASK_RUNNING');
});

test('a second scheduler with the same id takes over: the first hears ERROR, its stream ends, its calls are refused', async (t) => {
  const { scheduler: first, url } = await subscribed(t);
  const { scheduler: second } = await subscribed(t, { id: first.frameworkId, url });
  const { error } = await first.next('ERROR');
  t.is(error.message, 'Framework failed over');
  await first.ended();
  const { status, text } = await second.call({ type: 'REVIVE' }, first.streamId);
  t.is(status, 400);
  t.true(text.startsWith(`The stream ID '${first.streamId}' included in this request didn't match`));
  t.is((await second.call({ type: 'REVIVE' })).status, 202);
});

test('a framework that was torn down cannot come back', async (t) => {
  const { scheduler, url } = await subscribed(t);
  t.is((await scheduler.call({ type: 'TEARDOWN' })).status, 202);
  await scheduler.ended();
  const late = await TestScheduler.open(url, { id: scheduler.frameworkId });
  t.is((await late.next('ERROR')).error.message, 'Framework has been removed');
  await late.ended();
});
