import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { readExecutorEnvironment } from '../../src/mesos/executor-environment.ts';
import { decodeExecutorCall, encodeExecutorEvent } from '../../src/mesos/messages.ts';
import { encodeRecord } from '../../src/mesos/record-io.ts';
import { bodyBytes, recordedLine } from './recorded.ts';
import {
  acknowledged,
  BACKUP,
  EXECUTOR,
  recorded,
  SERVER,
  start,
  startSubscribed,
  subscribe,
  SUBSCRIBED,
  update,
  updateAccepted,
} from './running-executor.ts';

test('subscribes as the recorded executor did and hands over the events in order', async (t) => {
  const { peer, events } = await start(t);
  const request = await peer.requests.take();
  t.is(request.path, '/api/v1/executor');
  t.is(request.headers['content-type'], 'application/x-protobuf');
  t.is(request.headers.accept, 'application/x-protobuf');
  t.is(request.headers.authorization, undefined);
  t.deepEqual(request.body, bodyBytes(recordedLine(EXECUTOR, 2)));
  request.stream(SUBSCRIBED, recorded(4), recorded(16), recorded(30));
  t.is((await events.take()).type, 'SUBSCRIBED');
  const launch = await events.take();
  t.deepEqual(launch.type === 'LAUNCH' && launch.launch.task.taskId, SERVER);
  t.is((await events.take()).type, 'MESSAGE');
  t.is((await events.take()).type, 'KILL');
});

test('every request carries the token that the agent gave', async (t) => {
  const file = '09-executor-authentication.jsonl';
  const { authToken = '' } = readExecutorEnvironment(recordedLine(file, 1).env ?? {});
  const { client, peer } = await startSubscribed(t, { authToken });
  const sending = client.message(Uint8Array.of(1));
  const request = await peer.requests.take();
  t.is(request.headers.authorization, 'Bearer recorded-executor-token');
  request.accept();
  await sending;
});

test('a status carries all that the agent wants of it', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const before = Date.now() / 1000;
  const sending = client.update({ taskId: SERVER, state: 'TASK_RUNNING', data: Uint8Array.of(1, 2), healthy: true });
  const request = await peer.requests.take();
  request.accept();
  await sending;
  const { uuid, timestamp = 0, ...status } = update(request);
  t.is(uuid?.length, 16);
  t.true(timestamp >= before && timestamp <= Date.now() / 1000);
  t.deepEqual(status, {
    taskId: SERVER,
    state: 'TASK_RUNNING',
    data: Uint8Array.of(1, 2),
    healthy: true,
    source: 'SOURCE_EXECUTOR',
    executorId: { value: 'node.0.executor' },
  });
});

test('hands over the tasks and updates that are not acknowledged when it subscribes again', async (t) => {
  const running = await startSubscribed(t);
  const { stream, events, peer } = running;
  stream.send(recorded(4), recorded(5));
  await events.take();
  await events.take();
  const starting = await updateAccepted(running, { taskId: SERVER, state: 'TASK_STARTING' });
  const runs = await updateAccepted(running, { taskId: SERVER, state: 'TASK_RUNNING' });
  stream.send(acknowledged(starting));
  t.is((await events.take()).type, 'ACKNOWLEDGED');
  stream.end();

  // Any acknowledged update says that the agent knows the task.
  const second = await peer.requests.take();
  t.deepEqual(
    subscribe(second).unacknowledgedTasks.map(({ taskId }) => taskId),
    [BACKUP],
  );
  t.deepEqual(subscribe(second).unacknowledgedUpdates, [{ status: runs }]);

  second.stream(SUBSCRIBED, acknowledged(runs), acknowledged({ ...runs, taskId: BACKUP }));
  for (let n = 0; n < 3; n += 1) await events.take();
  second.end();
  t.deepEqual(subscribe(await peer.requests.take()), { unacknowledgedTasks: [], unacknowledgedUpdates: [] });
});

test('an update made while the agent is away goes with the next SUBSCRIBE, and only there', async (t) => {
  const running = await startSubscribed(t);
  const { stream, client, peer, events } = running;
  stream.end();
  const failed = await peer.requests.take();
  await client.update({ taskId: SERVER, state: 'TASK_RUNNING' });
  failed.answer(503);
  const next = await peer.requests.take();
  t.deepEqual(
    subscribe(next).unacknowledgedUpdates.map(({ status }) => status.state),
    ['TASK_RUNNING'],
  );
  next.stream(SUBSCRIBED);
  await events.take();
  t.is((await updateAccepted(running, { taskId: SERVER, state: 'TASK_FINISHED' })).state, 'TASK_FINISHED');
});

test('SUBSCRIBED that comes twice is told once, and gives up no update', async (t) => {
  const running = await startSubscribed(t);
  const { client, peer, stream, events } = running;
  const updating = client.update({ taskId: SERVER, state: 'TASK_STARTING' });
  const request = await peer.requests.take();
  stream.send(SUBSCRIBED, recorded(16));
  t.not((await events.take()).type, 'SUBSCRIBED');
  request.accept();
  await updating;
  t.is((await updateAccepted(running, { taskId: SERVER, state: 'TASK_RUNNING' })).state, 'TASK_RUNNING');
});

test('an update made after SUBSCRIBE was written is sent once the agent has answered', async (t) => {
  const { client, peer, events } = await start(t);
  const stream = await peer.requests.take();
  await client.update({ taskId: SERVER, state: 'TASK_STARTING' });
  await client.update({ taskId: SERVER, state: 'TASK_RUNNING' });
  t.deepEqual(subscribe(stream).unacknowledgedUpdates, []);
  stream.stream(SUBSCRIBED);
  await events.take();
  for (const state of ['TASK_STARTING', 'TASK_RUNNING'] as const) {
    const request = await peer.requests.take();
    t.is(update(request).state, state);
    request.accept();
  }
});

test('updates are sent in order, each when the one before was taken', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const sending = [
    client.update({ taskId: SERVER, state: 'TASK_STARTING' }),
    client.update({ taskId: SERVER, state: 'TASK_RUNNING' }),
  ];
  const first = await peer.requests.take();
  t.is(update(first).state, 'TASK_STARTING');
  const between = fetch(`http://${peer.address}/between`);
  const request = await peer.requests.take();
  t.is(request.path, '/between');
  request.accept();
  await between;
  first.accept();
  const second = await peer.requests.take();
  t.is(update(second).state, 'TASK_RUNNING');
  second.accept();
  await t.notThrowsAsync(Promise.all(sending));
});

test('an update that the agent could not take goes with a new subscription', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const sending = client.update({ taskId: SERVER, state: 'TASK_RUNNING' });
  const request = await peer.requests.take();
  request.answer(503, 'Agent has not finished recovery');
  await t.notThrowsAsync(sending);
  t.deepEqual(subscribe(await peer.requests.take()).unacknowledgedUpdates, [{ status: update(request) }]);
});

test('updates behind one that the agent did not take wait for the new subscription, in their order', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const sending = [
    client.update({ taskId: SERVER, state: 'TASK_STARTING' }),
    client.update({ taskId: SERVER, state: 'TASK_RUNNING' }),
  ];
  (await peer.requests.take()).answer(403, 'Executor is not subscribed');
  await t.notThrowsAsync(Promise.all(sending));
  t.deepEqual(
    subscribe(await peer.requests.take()).unacknowledgedUpdates.map(({ status }) => status.state),
    ['TASK_STARTING', 'TASK_RUNNING'],
  );
});

test('an update that the agent refuses rejects and is not sent again', async (t) => {
  const { client, peer, stream } = await startSubscribed(t);
  const sending = client.update({ taskId: SERVER, state: 'TASK_RUNNING' });
  (await peer.requests.take()).answer(400, "Expecting 'update' to be valid");
  const error = await t.throwsAsync(sending, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_REFUSED');
  t.is(error.details['body'], "Expecting 'update' to be valid");
  stream.end();
  t.deepEqual(subscribe(await peer.requests.take()).unacknowledgedUpdates, []);
});

test('a framework message is sent while subscribed, and dropped otherwise', async (t) => {
  const { client, peer, stream } = await startSubscribed(t);
  const sending = client.message(Buffer.from('hello'));
  const request = await peer.requests.take();
  t.like(decodeExecutorCall(request.body).call, {
    type: 'MESSAGE',
    message: { data: Uint8Array.from(Buffer.from('hello')) },
  });
  request.answer(503);
  await t.notThrowsAsync(sending);
  stream.end();
  const next = await peer.requests.take();
  await t.notThrowsAsync(client.message(Buffer.from('lost')));
  t.is(peer.requests.size, 0);
  t.deepEqual(subscribe(next).unacknowledgedUpdates, []);
});

test('ends when a checkpointing agent stays away for the recovery timeout', async (t) => {
  const { peer, ended } = await startSubscribed(t, { recoveryTimeoutMs: 50 });
  await peer.close();
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_UNAVAILABLE');
  t.regex(error.message, /Expected the Mesos agent back within 50 ms/);
});

test('an agent that comes back in time takes the executor back, however often', async (t) => {
  const { peer, events, stream } = await startSubscribed(t);
  stream.end();
  for (let n = 0; n < 3; n += 1) {
    (await peer.requests.take()).answer(503, 'Agent has not finished recovery');
    const again = await peer.requests.take();
    again.stream(SUBSCRIBED);
    t.is((await events.take()).type, 'SUBSCRIBED');
    again.end();
  }
});

test('without checkpointing the first loss of the agent is the end', async (t) => {
  const { stream, ended } = await startSubscribed(t, { checkpoint: false });
  stream.end();
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_UNAVAILABLE');
  t.regex(error.message, /without checkpointing/);
});

test('ends when the agent refuses the subscription', async (t) => {
  const { peer, ended } = await start(t);
  const { response } = recordedLine('09-executor-authentication.jsonl', 2);
  (await peer.requests.take()).answer(response?.status ?? 0, response?.body);
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_REFUSED');
  t.is(error.details['status'], 401);
});

test('ends when the agent says ERROR, after the event was handled', async (t) => {
  const { stream, events, ended } = await startSubscribed(t);
  stream.send(encodeRecord(encodeExecutorEvent({ type: 'ERROR', error: { message: 'Framework has been removed' } })));
  t.is((await events.take()).type, 'ERROR');
  await t.throwsAsync(ended, { message: /Framework has been removed/ });
});

test('returns when it is aborted', async (t) => {
  const { ended, abort, stream, events } = await startSubscribed(t);
  stream.send(encodeRecord(encodeExecutorEvent({ type: 'SHUTDOWN' })));
  t.is((await events.take()).type, 'SHUTDOWN');
  abort();
  await t.notThrowsAsync(ended);
});
