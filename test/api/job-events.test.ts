import { once } from 'node:events';
import { request } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { JobEvents } from '../../src/api/job-events.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { EventStream, openEvents } from './event-stream.ts';
import { startApi, type TestApi } from './helpers.ts';
import { ended, keyspace, withStep } from './job-fixtures.ts';

const path = (id: number): string => `/cluster/jobs/${id}/events`;

async function startBackup(api: TestApi) {
  return api.jobs.start('BACKUP', { name: 'monday' });
}

const atWork = (api: TestApi, id: number, bytesDone: number) =>
  api.jobs.update(id, (job) =>
    withStep(job, 0, { state: 'RUNNING', taskId: 'task', report: { bytesTotal: 4096, bytesDone } }),
  );

test('A client hears the job as it is, then what becomes of it, and the end', async (t) => {
  const api = await startApi(t);
  const { id } = await startBackup(api);
  const { events, response, agent } = await openEvents(t, api.url + path(id));
  t.is(response.statusCode, 200);
  t.is(response.headers['content-type'], 'text/event-stream');
  t.like(await events.next(), { event: 'job', data: { id, type: 'BACKUP', finished: null } });
  atWork(api, id, 1024);
  const [phase, step] = [await events.next(), await events.next()];
  t.like(phase, { event: 'phase', data: { name: 'backup', state: 'RUNNING' } });
  t.like(step, { event: 'step', data: { phase: 'backup', state: 'RUNNING', bytesDone: 1024 } });
  atWork(api, id, 2048);
  const progress = (await events.until('progress')).at(-1);
  t.true(progress?.data.bytesDone >= 1024);
  api.jobs.update(id, (job) => ended(job, 'SUCCESS'));
  const all = await events.until('end');
  t.like(all.at(-1), { event: 'end', id: 'end', data: { id, result: 'SUCCESS' } });
  t.is(await events.next(), null);
  // The connection is whole, and takes the next request.
  const again = request(`${api.url}/health/process`, { agent });
  again.end();
  const [answer] = await once(again, 'response');
  t.is(answer.statusCode, 200);
  t.true(again.reusedSocket);
  answer.resume();
});

test('A job that has ended is told with its end at once, and only once', async (t) => {
  const api = await startApi(t);
  const { id } = await startBackup(api);
  api.jobs.update(id, (job) => ended(job, 'SUCCESS'));
  const { body, status } = await api.call('GET', path(id));
  t.is(status, 200);
  t.deepEqual(
    [...String(body).matchAll(/^event: (\w+)$/gm)].map(([, event]) => event),
    ['job', 'end'],
  );
  t.is((await api.call('GET', path(id), { headers: { 'last-event-id': '1' } })).status, 200);
  t.is((await api.call('GET', path(id), { headers: { 'last-event-id': 'end' } })).status, 204);
});

test('A job that nobody knows has no events', async (t) => {
  const api = await startApi(t);
  for (const id of ['9', 'monday']) {
    const { status, body } = await api.call('GET', `/cluster/jobs/${id}/events`);
    t.is(status, 404);
    t.is(body.error.code, 'NOT_FOUND');
  }
});

test('A client that comes again gets the whole job first', async (t) => {
  const api = await startApi(t);
  const { id } = await startBackup(api);
  const first = await openEvents(t, api.url + path(id));
  await first.events.next();
  first.response.destroy();
  atWork(api, id, 1024);
  const second = await openEvents(t, api.url + path(id), { 'last-event-id': '1' });
  t.like(await second.events.next(), { event: 'job', data: { bytesDone: 1024 } });
});

test('A server that closes its connections ends the stream of a job that goes on', async (t) => {
  const api = await startApi(t);
  const { id } = await startBackup(api);
  const { events } = await openEvents(t, api.url + path(id));
  await events.next();
  await Promise.all([api.stop(), t.throwsAsync(events.next(), { code: 'ECONNRESET' })]);
  // Nobody listens any more, and the job goes on.
  t.notThrows(() => atWork(api, id, 2048));
});

test('Progress comes at most once a second, and then as it is by then; a comment comes every 15 s', async (t) => {
  const api = await startApi(t);
  const clock = new HandClock();
  const { id } = await startBackup(api);
  const job = atWork(api, id, 0);
  const stream = new JobEvents(job, { jobs: api.jobs, nodes: () => api.state.nodes.all(), clock });
  t.teardown(() => stream.destroy());
  let text = '';
  stream.on('data', (chunk: string) => (text += chunk));
  const told = (): string[] =>
    [...text.matchAll(/^event: progress\n.*\ndata: .*?"bytesDone":(\d+)/gm)].map(([, n = '']) => n);
  await setImmediate();
  for (const bytes of [100, 200, 300]) {
    atWork(api, id, bytes);
    await setImmediate();
  }
  t.deepEqual(told(), ['100']);
  await clock.pass(1_000);
  t.deepEqual(told(), ['100', '300']);
  await clock.pass(13_000);
  t.false(text.includes('\n: '));
  await clock.pass(1_000);
  t.true(text.includes('\n: '));
});

test('For a client that takes nothing, nothing is gathered; when it reads again it is told what is so, and the end', async (t) => {
  const api = await startApi(t);
  const clock = new HandClock();
  const first = await startBackup(api);
  const { id } = first;
  const stream = new JobEvents(first, { jobs: api.jobs, nodes: () => api.state.nodes.all(), clock });
  t.teardown(() => stream.destroy());
  // Reads the job, and then no more.
  stream.read(0);
  const long = 'x'.repeat(100_000);
  const keyspaces = { ks1: keyspace() };
  for (let count = 1; count <= 500; count += 1) {
    const [state, current] = [count % 2 === 0 ? ('RUNNING' as const) : ('LAUNCHING' as const), `${count}${long}`];
    api.jobs.update(id, (job) =>
      withStep(job, 0, { state, taskId: 't', report: { keyspaces, bytesDone: count, current } }),
    );
    await setImmediate();
  }
  api.jobs.update(id, (job) => ended(job, 'SUCCESS'));
  await setImmediate();
  t.true(stream.readableLength < 500_000, `${stream.readableLength} characters wait`);
  const events = new EventStream(stream as never);
  const names = (await events.until('end')).map(({ event }) => event);
  t.is(names[0], 'job');
  t.true(names.length < 25, names.join(' '));
});
