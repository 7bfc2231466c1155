import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { openState, type State } from '../../src/state/database.ts';
import { GIVE_UP_MS } from '../../src/webhook/retry.ts';
import { Webhook, type WebhookDeps } from '../../src/webhook/webhook.ts';
import { CLUSTER, nodes, START } from '../jobs/helpers.ts';
import { finish } from '../jobs/rig.ts';
import { newState, statePath } from '../state/helpers.ts';
import { startReceiver } from './receiver.ts';
import { abortable, SkippingClock } from './skipping-clock.ts';

/** A scheduler's jobs and its webhook, over a state of the test's own. */
function start(t: ExecutionContext, url: URL, change: Partial<WebhookDeps> & { state?: State } = {}) {
  const { state = newState(t), ...deps } = change;
  if (state.nodes.all().length === 0) for (const node of nodes(2)) state.nodes.save(node);
  const clock = new SkippingClock(START, () => state.deliveries.count() > 0);
  const jobs = new ClusterJobs({
    state,
    clock,
    cluster: CLUSTER,
    defaultLocation: 'file:///backup',
    wake: () => undefined,
    findBackup: () => Promise.resolve({ state: 'ABSENT', message: null }),
    onEnd: ({ id }) => state.deliveries.add(id, clock.now()),
  });
  let log = '';
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk);
      lines.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      sink.emit('line');
      done();
    },
  });
  const webhook = new Webhook({
    url,
    secret: null,
    cluster: CLUSTER,
    jobs,
    nodes: () => state.nodes.all(),
    deliveries: state.deliveries,
    clock,
    log: pino({ level: 'trace' }, sink),
    ...deps,
  });
  const stop = new AbortController();
  const running = webhook.run(AbortSignal.any([stop.signal, abortable(t)]));
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  t.teardown(end);
  /** Resolves once the log says so. */
  const said = async (msg: string): Promise<void> => {
    while (!lines.some((line) => line['msg'] === msg)) await once(sink, 'line');
  };
  const backUp = async (name = 'monday'): Promise<ClusterJob> => {
    await jobs.start('BACKUP', { name });
    return finish({ jobs, state } as Parameters<typeof finish>[0]);
  };
  return { state, jobs, clock, lines, said, end, backUp, logged: () => log };
}

const GIVEN_UP = 'webhook given up: nobody was told of the end of this job';

test('The end of a job is posted once, with the job as the API shows it and without its steps', async (t) => {
  const receiver = await startReceiver(t);
  const hook = start(t, receiver.url);
  const job = await hook.backUp();
  await hook.said('webhook delivered');
  t.is(receiver.posted.length, 1);
  const [{ headers, body } = { headers: {} as Record<string, string>, body: '' }] = receiver.posted;
  const posted = JSON.parse(body) as { job: { phases: object[] } };
  t.like(posted, { event: 'job-ended', cluster: CLUSTER, job: { id: job.id, type: 'BACKUP', result: 'SUCCESS' } });
  t.true(posted.job.phases.every((phase) => !('steps' in phase)));
  t.is(headers['webhook-id'], job.uuid);
  t.is(headers['content-type'], 'application/json');
  t.is(headers['webhook-signature'], undefined);
  t.is(hook.state.deliveries.count(), 0);
});

test('With a secret the delivery is signed as Standard Webhooks say', async (t) => {
  const receiver = await startReceiver(t);
  const key = Buffer.from('a key of the receiver');
  const hook = start(t, receiver.url, { secret: `whsec_${key.toString('base64')}` });
  await hook.backUp();
  await hook.said('webhook delivered');
  const [{ headers, body } = { headers: {} as Record<string, string>, body: '' }] = receiver.posted;
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  t.is(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
});

test('Errors, resets and silence are tried again, with longer and longer waits and the same id', async (t) => {
  const receiver = await startReceiver(t, (response, count, request) => {
    if (count === 0) response.writeHead(500).end('not today');
    else if (count === 1) request.socket.resetAndDestroy();
    else if (count === 3) response.writeHead(302, { location: '/elsewhere' }).end();
    else if (count > 3) response.end();
    // The third one gets no answer at all.
  });
  const hook = start(t, receiver.url, { timeoutMs: 200, random: () => 1 });
  const { uuid } = await hook.backUp();
  await hook.said('webhook delivered');
  t.is(receiver.posted.length, 5);
  t.deepEqual([...new Set(receiver.posted.map(({ headers }) => headers['webhook-id']))], [uuid]);
  t.deepEqual(hook.clock.slept, [5_000, 10_000, 20_000, 40_000]);
});

test('Retry-After is honoured, as seconds and as a date', async (t) => {
  const receiver = await startReceiver(t, (response, count) => {
    const later = count === 0 ? '120' : new Date(START + 600_000).toUTCString();
    if (count < 2) response.writeHead(503, { 'retry-after': later }).end();
    else response.end();
  });
  const hook = start(t, receiver.url);
  await hook.backUp();
  await hook.said('webhook delivered');
  t.deepEqual(hook.clock.slept, [120_000, 480_000]);
});

test('A receiver that is gone for good is asked once, and the log says so once', async (t) => {
  const receiver = await startReceiver(t, (response) => response.writeHead(410).end());
  const hook = start(t, receiver.url);
  const job = await hook.backUp();
  await hook.said(GIVEN_UP);
  t.is(receiver.posted.length, 1);
  t.like(
    hook.lines.find(({ level }) => level === 50),
    { job: job.id, reason: 'HTTP 410', attempts: 1 },
  );
  t.is(hook.state.deliveries.count(), 0);
});

test('After an hour in vain it is given up with one line, and nothing secret is in the log', async (t) => {
  const receiver = await startReceiver(t, (response) => response.writeHead(500).end());
  const url = new URL(receiver.url);
  [url.username, url.password] = ['user', 'password-of-the-url'];
  const hook = start(t, url, { secret: 'signing-secret' });
  await hook.backUp();
  await hook.said(GIVEN_UP);
  t.is(
    receiver.posted[0]?.headers.authorization,
    `Basic ${Buffer.from('user:password-of-the-url').toString('base64')}`,
  );
  t.true(receiver.posted.length > 8);
  t.true(hook.clock.now() - START <= GIVE_UP_MS && hook.clock.now() - START > GIVE_UP_MS - 600_000);
  t.is(hook.lines.filter(({ level }) => Number(level) >= 40).length, 1);
  for (const secret of ['very-secret-path', 'password-of-the-url', 'signing-secret'])
    t.false(hook.logged().includes(secret));
});

test('A receiver that is not there costs no job its end, and what could not be told is told after a restart', async (t) => {
  const path = statePath(t);
  const receiver = await startReceiver(t);
  const nowhere = await startReceiver(t, (_response, _count, request) => request.socket.destroy());
  const first = openState(path);
  const before = start(t, nowhere.url, { state: first, random: () => 0 });
  const job = await before.backUp();
  t.is(job.result, 'SUCCESS');
  await nowhere.received(2);
  await before.end();
  t.is(first.deliveries.count(), 1);
  first.close();
  const second = openState(path);
  t.teardown(() => second.close());
  const after = start(t, receiver.url, { state: second });
  await after.said('webhook delivered');
  t.is(receiver.posted[0]?.headers['webhook-id'], job.uuid);
});

test('What was posted and not noted as delivered is posted again with the same id', async (t) => {
  const receiver = await startReceiver(t);
  const state = newState(t);
  const hook = start(t, receiver.url, { state });
  const { id } = await hook.backUp();
  await hook.said('webhook delivered');
  await hook.end();
  // As after a crash between the answer and its note.
  state.deliveries.add(id, START);
  const again = start(t, receiver.url, { state });
  await again.said('webhook delivered');
  const ids = receiver.posted.map(({ headers }) => headers['webhook-id']);
  t.is(ids.length, 2);
  t.is(ids[0], ids[1]);
});
