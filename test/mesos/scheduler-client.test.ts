import test from 'ava';
import { systemClock, type Clock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { decodeSchedulerCall } from '../../src/mesos/messages.ts';
import { encodeRecord } from '../../src/mesos/record-io.ts';
import { startPeer, STREAM_ID, type Exchange } from './loopback-peer.ts';
import { recordedLine } from './recorded.ts';
import { recorded, recordedBody, SCHEDULER, start, startSubscribed } from './running-scheduler.ts';

test('subscribes as the recorded framework did and hands over the events in order', async (t) => {
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address] });
  const request = await peer.requests.take();
  t.is(request.path, '/api/v1/scheduler');
  t.is(request.headers['content-type'], 'application/x-protobuf');
  t.is(request.headers.accept, 'application/x-protobuf');
  t.deepEqual(request.body, recordedBody(SCHEDULER, 6));
  request.stream(recorded(SCHEDULER, 7), recorded(SCHEDULER, 8), recorded(SCHEDULER, 9));
  t.like(await events.take(), { type: 'SUBSCRIBED', subscribed: { heartbeatIntervalSeconds: 15 } });
  t.is((await events.take()).type, 'HEARTBEAT');
  const offers = await events.take();
  t.is(offers.type === 'OFFERS' && offers.offers.offers[0]?.hostname, '127.0.0.1');
});

test('sends calls with the stream id and the framework id that it was given', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const calling = client.call({ type: 'REVIVE' });
  const request = await peer.requests.take();
  t.deepEqual(request.body, recordedBody(SCHEDULER, 15));
  t.is(request.headers['mesos-stream-id'], STREAM_ID);
  request.accept();
  await t.notThrowsAsync(calling);
});

test('SUBSCRIBED that comes twice is told once, and gives up no call', async (t) => {
  const { client, peer, stream, events } = await startSubscribed(t);
  const calling = client.call({ type: 'REVIVE' });
  const request = await peer.requests.take();
  stream.send(recorded(SCHEDULER, 7), recorded(SCHEDULER, 8));
  t.is((await events.take()).type, 'HEARTBEAT');
  request.accept();
  await t.notThrowsAsync(calling);
});

test('ends when the master refuses the subscription, with the words of the master', async (t) => {
  const peer = await startPeer(t);
  const line = recordedLine('08-scheduler-authentication.jsonl', 2);
  const credential = { principal: 'alice', secret: 'wrong' };
  const { ended } = start(t, { masters: [peer.address], credential });
  const request = await peer.requests.take();
  t.is(request.headers.authorization, line.request?.headers['Authorization']);
  request.answer(line.response?.status ?? 0, line.response?.body);
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_REFUSED');
  t.like(error.details, { status: 401, body: '401 Unauthorized.' });
  t.false(error.message.includes('wrong'));
});

test('ends for good when the master has removed the framework, after the event was handled', async (t) => {
  const { events, ended, stream, client } = await startSubscribed(t);
  t.true(client.subscribed);
  stream.send(recorded(SCHEDULER, 108));
  t.is((await events.take()).type, 'ERROR');
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'FRAMEWORK_REMOVED');
  t.regex(error.message, /Framework has been removed/);
  t.regex(error.hint ?? '', /--forget-framework/);
  t.false(client.subscribed);
  await t.throwsAsync(client.call({ type: 'REVIVE' }), { code: 'MESOS_UNAVAILABLE' });
});

test('ends when another scheduler took the framework over, and says so', async (t) => {
  const { ended, stream } = await startSubscribed(t);
  stream.send(recorded(SCHEDULER, 73));
  const error = await t.throwsAsync(ended, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_REFUSED');
  t.regex(error.message, /Framework failed over/);
  t.regex(error.hint ?? '', /Another scheduler/);
});

function rolesIn({ body }: Exchange): string[] | undefined {
  const { call } = decodeSchedulerCall(body);
  return call.type === 'SUBSCRIBE' ? call.subscribe.suppressedRoles : undefined;
}

test('a scheduler that wants no offers says so at every subscription, for its roles', async (t) => {
  const peer = await startPeer(t);
  let suppressed = false;
  start(t, { masters: [peer.address], suppressed: () => suppressed });
  const first = await peer.requests.take();
  t.deepEqual(rolesIn(first), []);
  suppressed = true;
  first.answer(503);
  t.deepEqual(rolesIn(await peer.requests.take()), ['*']);
});

test('hands over an event only when the one before has been handled', async (t) => {
  const peer = await startPeer(t);
  const order: string[] = [];
  const { events } = start(t, { masters: [peer.address] }, async (event, client) => {
    order.push(`${event.type} begins`);
    await client.call({ type: 'REVIVE' });
    order.push(`${event.type} ends`);
  });
  (await peer.requests.take()).stream(Buffer.concat([recorded(SCHEDULER, 7), recorded(SCHEDULER, 8)]));
  for (let n = 0; n < 2; n += 1) {
    (await peer.requests.take()).accept();
    await events.take();
  }
  t.deepEqual(order, ['SUBSCRIBED begins', 'SUBSCRIBED ends', 'HEARTBEAT begins', 'HEARTBEAT ends']);
});

test('calls made while an event is handled are answered', async (t) => {
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address] }, async (event, client) => {
    if (event.type !== 'UPDATE') return;
    const { taskId, agentId = { value: '' }, uuid = new Uint8Array() } = event.update.status;
    await client.call({ type: 'ACKNOWLEDGE', acknowledge: { taskId, agentId, uuid } });
  });
  const stream = await peer.requests.take();
  stream.stream(recorded(SCHEDULER, 7), recorded(SCHEDULER, 18));
  await events.take();
  const call = await peer.requests.take();
  t.deepEqual(call.body, recordedBody(SCHEDULER, 19));
  t.is(events.size, 0);
  call.accept();
  t.is((await events.take()).type, 'UPDATE');
});

test('ends with the error of the one who handles the events', async (t) => {
  const peer = await startPeer(t);
  const failure = new Error('the state is gone');
  const { ended } = start(t, { masters: [peer.address] }, () => Promise.reject(failure));
  (await peer.requests.take()).stream(recorded(SCHEDULER, 7));
  t.is(await t.throwsAsync(ended), failure);
});

test('passes over events that it does not know', async (t) => {
  const { events, stream } = await startSubscribed(t);
  stream.send(encodeRecord(Uint8Array.of(0x08, 99)), recorded(SCHEDULER, 8));
  t.is((await events.take()).type, 'HEARTBEAT');
});

test('a refused call rejects with status and text, a call while the master changes may be tried again', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const refused = client.call({ type: 'REVIVE' });
  const line = recordedLine(SCHEDULER, 3);
  (await peer.requests.take()).answer(line.response?.status ?? 0, line.response?.body);
  const error = await t.throwsAsync(refused, { instanceOf: OperatorError });
  t.is(error.code, 'MESOS_REFUSED');
  t.is(error.details['status'], 400);
  t.is(error.details['body'], line.response?.body);

  const unavailable = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).answer(503, 'not now');
  await t.throwsAsync(unavailable, { code: 'MESOS_UNAVAILABLE' });
});

test('a call before the subscription rejects', async (t) => {
  const peer = await startPeer(t);
  const { client } = start(t, { masters: [peer.address] });
  await peer.requests.take();
  await t.throwsAsync(client.call({ type: 'REVIVE' }), { code: 'MESOS_UNAVAILABLE' });
});

test('a call that is not answered rejects after its timeout', async (t) => {
  let late = false;
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) => (late ? Promise.resolve() : systemClock.sleep(ms, signal)),
  };
  const { client } = await startSubscribed(t, { clock });
  late = true;
  const error = await t.throwsAsync(client.call({ type: 'REVIVE' }), { instanceOf: OperatorError });
  t.is(error.code, 'TIMEOUT');
  t.regex(error.message, /nothing came for 10000 ms/);
});

test('a call is sent only when the one before has been answered', async (t) => {
  const { client, peer } = await startSubscribed(t);
  const calls = [client.call({ type: 'SUPPRESS' }), client.call({ type: 'REVIVE' })];
  const first = await peer.requests.take();
  t.is(decodeSchedulerCall(first.body).call.type, 'SUPPRESS');
  const between = fetch(`http://${peer.address}/between`);
  const request = await peer.requests.take();
  t.is(request.path, '/between');
  request.accept();
  await between;
  first.accept();
  const second = await peer.requests.take();
  t.is(decodeSchedulerCall(second.body).call.type, 'REVIVE');
  second.accept();
  await t.notThrowsAsync(Promise.all(calls));
});

test('returns when it is aborted: while subscribed, while subscribing, and between attempts', async (t) => {
  const running = await startSubscribed(t);
  running.abort();
  await t.notThrowsAsync(running.ended);

  const peer = await startPeer(t);
  const subscribing = start(t, { masters: [peer.address] });
  await peer.requests.take();
  subscribing.abort();
  await t.notThrowsAsync(subscribing.ended);

  const waiting = start(t, { masters: [peer.address], backoff: { minMs: 1e6, maxMs: 1e6 }, random: () => 1 });
  (await peer.requests.take()).answer(503);
  waiting.abort();
  await t.notThrowsAsync(waiting.ended);
});
