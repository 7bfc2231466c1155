import test from 'ava';
import { systemClock, type Clock } from '../../src/clock.ts';
import { decodeSchedulerCall } from '../../src/mesos/messages.ts';
import { encodeRecord } from '../../src/mesos/record-io.ts';
import { startPeer } from './loopback-peer.ts';
import { recordedLine } from './recorded.ts';
import {
  FAULTS,
  FRAMEWORK,
  recorded,
  recordedBody,
  SCHEDULER,
  start,
  startSubscribed,
  subscribed,
} from './running-scheduler.ts';

test('subscribes again with its framework id after the stream has ended', async (t) => {
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address] });
  const first = await peer.requests.take();
  first.stream(recorded(FAULTS, 2));
  await events.take();
  first.end();
  const second = await peer.requests.take();
  t.deepEqual(second.body, recordedBody(FAULTS, 30));
  second.stream(recorded(FAULTS, 31));
  t.is((await events.take()).type, 'SUBSCRIBED');
});

test('subscribes again after the master died in the middle of a record', async (t) => {
  const { peer, stream } = await startSubscribed(t);
  stream.send(recorded(SCHEDULER, 9).subarray(0, 100));
  stream.end();
  t.is((await peer.requests.take()).path, '/api/v1/scheduler');
});

test('a call that was not answered on the stream before holds up none on the next one', async (t) => {
  const { client, peer, stream, events } = await startSubscribed(t);
  const unanswered = client.call({ type: 'REVIVE' });
  await peer.requests.take();
  stream.end();
  (await peer.requests.take()).stream(recorded(SCHEDULER, 7));
  await events.take();
  await t.throwsAsync(unanswered, { code: 'MESOS_UNAVAILABLE' });
  const calling = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).accept();
  await t.notThrowsAsync(calling);
});

test('a call is answered although its stream ends first, as at TEARDOWN', async (t) => {
  const { client, peer, stream } = await startSubscribed(t);
  const teardown = client.call({ type: 'TEARDOWN' });
  const request = await peer.requests.take();
  t.deepEqual(request.body, recordedBody(SCHEDULER, 106));
  stream.end();
  await peer.requests.take();
  request.accept();
  await t.notThrowsAsync(teardown);
});

test('a call on a stream that the master has lost may be tried again, on the next one', async (t) => {
  const { client, peer, events } = await startSubscribed(t);
  const calling = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).answer(403, 'Framework is not subscribed');
  await t.throwsAsync(calling, { code: 'MESOS_UNAVAILABLE' });
  (await peer.requests.take()).stream(recorded(SCHEDULER, 7));
  await events.take();
  const again = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).accept();
  await t.notThrowsAsync(again);
});

test('a call with the id of a stream that is no more leaves the next word to the master', async (t) => {
  const { client, peer, stream, ended } = await startSubscribed(t);
  const { response } = recordedLine(SCHEDULER, 78);
  const calling = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).answer(response?.status ?? 0, response?.body);
  await t.throwsAsync(calling, { code: 'MESOS_UNAVAILABLE' });
  // Another scheduler took over: to subscribe again would take it back.
  stream.send(recorded(SCHEDULER, 73));
  await t.throwsAsync(ended, { message: /Framework failed over/ });
  t.is(peer.requests.size, 0);
});

test('takes over the framework whose id it was made with', async (t) => {
  const peer = await startPeer(t);
  start(t, { masters: [peer.address], frameworkInfo: { ...FRAMEWORK, id: { value: 'framework-1' } } });
  const { call, frameworkId } = decodeSchedulerCall((await peer.requests.take()).body);
  t.deepEqual(frameworkId, { value: 'framework-1' });
  t.is(call.type === 'SUBSCRIBE' && call.subscribe.frameworkInfo.id?.value, 'framework-1');
});

test('follows the redirect of a master that does not lead, and calls the leader', async (t) => {
  const [follower, leader] = [await startPeer(t), await startPeer(t)];
  const { client, events } = start(t, { masters: [follower.address] });
  const location = `//${leader.address}/master/api/v1/scheduler`;
  (await follower.requests.take()).answer(307, '', { Location: location });
  const request = await leader.requests.take();
  t.is(request.path, '/master/api/v1/scheduler');
  t.deepEqual(request.body, recordedBody(SCHEDULER, 6));
  request.stream(recorded(SCHEDULER, 7));
  await events.take();
  const calling = client.call({ type: 'REVIVE' });
  (await leader.requests.take()).accept();
  await t.notThrowsAsync(calling);
});

test('follows redirects from master to master', async (t) => {
  const peers = [await startPeer(t), await startPeer(t), await startPeer(t)];
  const { events } = start(t, { masters: [peers[0]?.address ?? ''] });
  for (const [index, peer] of peers.entries()) {
    const next = peers[index + 1];
    const request = await peer.requests.take();
    if (next === undefined) request.stream(recorded(SCHEDULER, 7));
    else request.answer(307, '', { Location: `//${next.address}/master/api/v1/scheduler` });
  }
  t.is((await events.take()).type, 'SUBSCRIBED');
});

test('goes on trying while the master recovers, has no routes yet or redirects in a circle', async (t) => {
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address] });
  (await peer.requests.take()).answer(503, 'Master has not finished recovery');
  (await peer.requests.take()).answer(404);
  for (let n = 0; n < 7; n += 1) {
    (await peer.requests.take()).answer(307, '', { Location: `//${peer.address}/master/api/v1/scheduler` });
  }
  (await peer.requests.take()).stream(recorded(SCHEDULER, 7));
  t.is((await events.take()).type, 'SUBSCRIBED');
});

test('turns to the next master when one is away', async (t) => {
  const [dead, alive] = [await startPeer(t), await startPeer(t)];
  await dead.close();
  const { events } = start(t, { masters: [dead.address, `http://${alive.address}`] });
  (await alive.requests.take()).stream(recorded(SCHEDULER, 7));
  t.is((await events.take()).type, 'SUBSCRIBED');
});

test('drops a connection on which heartbeats are missing, and subscribes again', async (t) => {
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address] });
  (await peer.requests.take()).stream(subscribed(0.05));
  await events.take();
  (await peer.requests.take()).stream(subscribed(0.05));
  t.is((await events.take()).type, 'SUBSCRIBED');
});

test('waits 3.5 heartbeats for each record: of 15 s at first, then as the master says', async (t) => {
  const waits: number[] = [];
  // Time stands still: what is waited for never ends by itself.
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) => {
      waits.push(ms);
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    },
  };
  const peer = await startPeer(t);
  const { events } = start(t, { masters: [peer.address], clock });
  const stream = await peer.requests.take();
  stream.stream(subscribed(2));
  await events.take();
  stream.send(recorded(SCHEDULER, 8));
  await events.take();
  stream.send(recorded(SCHEDULER, 8));
  await events.take();
  t.deepEqual(waits.slice(0, 4), [10_000, 52_500, 7000, 7000]);
});

test('waits longer and longer between attempts, and begins anew after a subscription', async (t) => {
  const waits: number[] = [];
  // Only the waits between attempts end, and at once.
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) => {
      if (ms >= 5000) return systemClock.sleep(ms, signal);
      waits.push(ms);
      return Promise.resolve();
    },
  };
  const peer = await startPeer(t);
  const backoff = { minMs: 100, maxMs: 1000 };
  const { events } = start(t, { masters: [peer.address], clock, backoff, random: () => 0.5 });
  for (let n = 0; n < 6; n += 1) (await peer.requests.take()).answer(503);
  const stream = await peer.requests.take();
  stream.stream(recorded(SCHEDULER, 7));
  await events.take();
  stream.end();
  await peer.requests.take();
  t.deepEqual(waits, [50, 100, 200, 400, 500, 500, 50]);
});

test('subscribes again when what comes is no stream of events', async (t) => {
  const { peer, stream } = await startSubscribed(t);
  stream.send(Buffer.from('<html>'));
  const next = await peer.requests.take();
  next.stream(recorded(SCHEDULER, 7), encodeRecord(Uint8Array.of(0xff)));
  t.is((await peer.requests.take()).path, '/api/v1/scheduler');
});
