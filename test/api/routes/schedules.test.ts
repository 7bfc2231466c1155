import test from 'ava';
import { startApi } from '../helpers.ts';

const PATH = '/cluster/schedules/nightly';
const NIGHTLY = { cron: '0 3 * * *', timeZone: 'Europe/Berlin', keepDaily: 7, minAge: '12h', maxAge: '26h' };

test('A schedule is made, told with its next run, replaced and deleted', async (t) => {
  const api = await startApi(t);
  t.deepEqual((await api.call('GET', '/cluster/schedules')).body, { schedules: [] });
  const json = { ...NIGHTLY, location: 'file:///other', keyspaces: ['shop'], bandwidth: '50MB/s' };
  const { status, body } = await api.call('PUT', PATH, { json });
  t.is(status, 200);
  t.like(body, {
    name: 'nightly',
    overlap: 'skip',
    parameters: { location: 'file:///other', keyspaces: ['shop'], bandwidth: 50_000_000 },
    retention: { keepDaily: 7, minAgeMs: 12 * 3_600_000, timeZone: 'Europe/Berlin' },
    maxAge: 26 * 3_600_000,
    paused: false,
    lastRun: null,
    overdue: false,
  });
  t.regex(String(body.nextName), /^nightly-\d{8}T\d{6}Z$/);
  const jittered = (await api.call('PUT', PATH, { json: { ...NIGHTLY, timeZone: 'UTC', jitter: '50m' } })).body;
  t.regex(String(jittered.nextName), /T030000Z$/, 'the name has the planned time, whatever the jitter');
  t.like((await api.call('PUT', `${PATH}?cron=0+4+*+*+*`)).body, { cron: '0 4 * * *', retention: null, maxAge: null });
  t.like((await api.call('GET', PATH)).body, { cron: '0 4 * * *', timeZone: 'UTC' });
  t.deepEqual((await api.call('DELETE', PATH)).body, { deleted: true });
  t.is((await api.call('GET', PATH)).status, 404);
});

test('A paused schedule has no next run; one that is run now waits for nobody and is refused while a job runs', async (t) => {
  const api = await startApi(t);
  await api.call('PUT', PATH, { json: NIGHTLY });
  t.like((await api.call('POST', `${PATH}/pause`)).body, { paused: true, nextRun: null });
  t.false((await api.call('POST', `${PATH}/resume`)).body.paused);
  t.like((await api.call('POST', `${PATH}/run`)).body, { currentRun: { job: null } });
  t.is((await api.call('POST', `${PATH}/run`)).status, 409);
  await api.call('PUT', '/cluster/schedules/other', { json: NIGHTLY });
  await api.jobs.start('CLEANUP', {});
  const busy = await api.call('POST', '/cluster/schedules/other/run');
  t.like(busy, { status: 409, body: { error: { code: 'JOB_RUNNING' } } });
});

test('What makes no sense is refused by name, and changes nothing', async (t) => {
  const api = await startApi(t);
  await api.call('PUT', PATH, { json: NIGHTLY });
  await api.call('PUT', '/cluster/schedules/shared', { json: NIGHTLY });
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /cron: expected a cron expression/],
    [{ ...NIGHTLY, cron: 'daily' }, /cron expression/],
    [{ ...NIGHTLY, colour: 'red' }, /colour: expected one of/],
    [{ ...NIGHTLY, name: 'other' }, /name: expected/],
    [{ ...NIGHTLY, overlap: 'queue' }, /overlap: expected skip or wait/],
    [{ ...NIGHTLY, nodes: ['nobody'] }, /nobody/],
    [{ ...NIGHTLY, maxAge: 'long' }, /maxAge: expected a duration/],
    [{ cron: '0 3 * * *', minAge: '7d' }, /keepLast/],
    [{ ...NIGHTLY, namePattern: 'shared-{time}' }, /those of shared/],
  ];
  for (const [json, message] of wrong) {
    const { status, body } = await api.call('PUT', PATH, { json });
    t.true(status === 400 || status === 404, JSON.stringify(json));
    t.regex((body.error as { message: string }).message, message);
  }
  t.like((await api.call('GET', PATH)).body, { cron: '0 3 * * *', maxAge: 26 * 3_600_000 });
  t.is((await api.call('POST', '/cluster/schedules/never/run')).status, 404);
});

test('A schedule without a success for too long makes the cluster unhealthy, and says so', async (t) => {
  const api = await startApi(t);
  await api.call('PUT', PATH, { json: NIGHTLY });
  const report = async () => {
    const { results } = (await api.call('GET', '/health/cluster/report')).body as {
      results: { name: string; ok: boolean; reasons: string[] }[];
    };
    return results.find(({ name }) => name === 'schedulesSucceed');
  };
  t.like(await report(), { ok: true });
  const schedule = api.state.schedules.get('nightly');
  if (schedule === null) throw new Error('it is not stored');
  const longAgo = schedule.created - 30 * 3_600_000;
  api.state.schedules.save({ ...schedule, lastSuccess: longAgo, failures: 2 });
  t.like(await report(), {
    ok: false,
    reasons: ['schedule nightly had its last success 108000 s ago, 2 failed since; at most 93600 s are allowed'],
  });
  t.true((await api.call('GET', PATH)).body.overdue);
});
