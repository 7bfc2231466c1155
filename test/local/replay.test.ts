// The embedded Mesos against what a real one was recorded to say: the same requests, the same answers.
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { FrameworkInfo } from '../../src/mesos/types.ts';
import { embedded } from '../mesos/helpers/mesos.ts';
import { TestScheduler } from '../mesos/helpers/scheduler.ts';
import { bodyBytes, readRecording, recordedLine, type Line } from '../mesos/recorded.ts';
import { Replay } from '../mesos/replay.ts';

/** Sends a recorded request as it was, and compares the answer but for the time and where the master listens. */
async function sameAnswer(t: ExecutionContext, url: string, line: Line) {
  const call = request(`${url}/api/v1/scheduler`, { method: 'POST', headers: line.request?.headers ?? {} });
  call.end(bodyBytes(line));
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  const body = await text(answer);
  t.is(answer.statusCode, line.response?.status, `line ${line.n}`);
  t.is(body, line.response?.body ?? '', `line ${line.n}`);
  for (const name of ['content-type', 'www-authenticate']) {
    t.is(answer.headers[name], lowerCase(line.response?.headers ?? {})[name], `${name} of line ${line.n}`);
  }
  return answer.headers;
}

const lowerCase = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

test('calls before subscribing are refused as recorded', async (t) => {
  const mesos = await embedded(t);
  for (const n of [1, 2, 3, 4, 5]) await sameAnswer(t, mesos.url, recordedLine('01-scheduler.jsonl', n));
});

const authentication = (n: number) => recordedLine('08-scheduler-authentication.jsonl', n);

test('a framework that does not prove who it is is refused as recorded, and so are its calls', async (t) => {
  const mesos = await embedded(t, { credentials: { alice: 'secret' } });
  for (const n of [1, 2, 3, 15]) await sameAnswer(t, mesos.url, authentication(n));
  const headers = { Authorization: authentication(4).request?.headers['Authorization'] ?? '' };
  const scheduler = await TestScheduler.subscribe(mesos.url, { principal: 'alice' }, headers);
  t.is((await scheduler.call({ type: 'REVIVE' })).status, 202);
  await scheduler.offer();
});

test('a master that does not lead sends schedulers on as recorded', async (t) => {
  const mesos = await embedded(t, { standby: [{ host: '127.0.0.1', port: 0 }] });
  const [leader = '', standby = ''] = mesos.urls;
  const { location } = await sameAnswer(t, standby, recordedLine('10-leader-election.jsonl', 2));
  const recorded = recordedLine('10-leader-election.jsonl', 2).response?.headers['Location'];
  t.is(location, recorded?.replace('127.0.0.1:5251', new URL(leader).host));
});

const info: Partial<FrameworkInfo> = { user: 'root', name: 'recorder' };
/** Of the recorded master; what is sent again is waited for less long. */
const times = { allocationIntervalMs: 1000, updateResendMs: 3000 };

/** Lines `from` to `to` of a recording. */
const between = (file: string, from: number, to: number): Line[] =>
  readRecording(file).filter(({ n }) => n >= from && n <= to);

test('offers, tasks, messages and questions go their way as recorded, and so does a failover', async (t) => {
  const file = '01-scheduler.jsonl';
  const mesos = await embedded(t, times);
  const first = await TestScheduler.open(mesos.url, info);
  const replay = new Replay(t, first);
  // Not 10 and 11, which are about headers, nor 54, which quotes the command of the recording's own executor,
  // nor 61, an offer that came while its executor was slow.
  const lines = between(file, 7, 72).filter(({ n }) => ![10, 11, 54, 61].includes(n));
  await replay.run(lines, [14, 29, 32, 34, 39, 41, 52]);
  const second = await TestScheduler.open(mesos.url, { ...info, id: first.frameworkId });
  await replay.run(between(file, 73, 73));
  await first.ended();
  replay.takeOver(second);
  // Not 78, a call on the first one's stream.
  await replay.run(
    between(file, 76, 104).filter(({ n }) => n !== 78),
    [80],
  );
});

test('reservations and volumes go their way as recorded', async (t) => {
  const mesos = await embedded(t, times);
  const replay = new Replay(t, await TestScheduler.open(mesos.url, { ...info, roles: ['cassandra'] }));
  await replay.run(between('06-reservation-volume.jsonl', 2, 30), [24]);
});

test('faults of agent and master are told as recorded', async (t) => {
  const file = '04-scheduler-faults.jsonl';
  const mesos = await embedded(t, times);
  const scheduler = await TestScheduler.open(mesos.url, info);
  const replay = new Replay(t, scheduler);
  await replay.run(between(file, 2, 13));
  const agent = mesos.agent(0);
  await agent.restart();
  await replay.run(between(file, 15, 17));
  agent.fail();
  await replay.run(between(file, 19, 20));
  await agent.connect();
  await replay.run(between(file, 23, 26));
  const { frameworkId: id } = scheduler;
  await mesos.restartMaster();
  replay.takeOver(await TestScheduler.open(mesos.url, { ...info, id }));
  const answer = between(file, 31, 36).filter(({ kind, decoded }) => kind === 'call' || decoded?.type !== 'OFFERS');
  await replay.run(answer, [36]);
});
