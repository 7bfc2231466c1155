import test from 'ava';
import { startApi } from '../helpers.ts';
import { ended } from '../job-fixtures.ts';

test('A backup starts with limits, which its job shows in bytes per second', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('POST', '/cluster/backup/start?name=b0&bandwidth=50MB/s&clusterBandwidth=100MiB');
  t.is(body.started, true);
  const { body: job } = await api.call('GET', `/cluster/jobs/${body.job}`);
  t.like(job, { bandwidth: 50_000_000, clusterBandwidth: 104_857_600, rate: null, eta: null });
});

test('A restore takes limits too, also from a body and as numbers', async (t) => {
  const api = await startApi(t);
  const { body } = await api.call('POST', '/cluster/restore/start', { json: { name: 'b0', bandwidth: 5000 } });
  t.like((await api.call('GET', `/cluster/jobs/${body.job}`)).body, { bandwidth: 5000, clusterBandwidth: null });
});

test('The limits of a running job are changed and taken away', async (t) => {
  const api = await startApi(t);
  await api.call('POST', '/cluster/backup/start?name=b0&bandwidth=50MB/s');
  const change = (query: string) => api.call('POST', `/cluster/jobs/1/bandwidth?${query}`);
  const wakes = api.seen.wakes;
  t.deepEqual((await change('clusterBandwidth=20MB/s')).body, {
    job: 1,
    bandwidth: 50_000_000,
    clusterBandwidth: 20_000_000,
  });
  t.true(api.seen.wakes > wakes, 'the nodes at work are told at once');
  t.like((await change('bandwidth=none')).body, { bandwidth: null, clusterBandwidth: 20_000_000 });
  const body = await api.call('POST', '/cluster/jobs/1/bandwidth', { json: { clusterBandwidth: 'none' } });
  t.like(body.body, { bandwidth: null, clusterBandwidth: null });
  t.like((await api.call('GET', '/cluster/jobs/1')).body, { bandwidth: null, clusterBandwidth: null });
});

test('What is no limit, no job, or a job that has ended is refused', async (t) => {
  const api = await startApi(t);
  await api.call('POST', '/cluster/backup/start?name=b0');
  for (const [path, status, code] of [
    ['/cluster/jobs/1/bandwidth', 400, 'BAD_REQUEST'],
    ['/cluster/jobs/1/bandwidth?bandwidth=fast', 400, 'BAD_REQUEST'],
    ['/cluster/jobs/1/bandwidth?bandwidth=999', 400, 'BAD_REQUEST'],
    ['/cluster/jobs/x/bandwidth?bandwidth=1MB', 404, 'NOT_FOUND'],
    ['/cluster/jobs/2/bandwidth?bandwidth=1MB', 404, 'NOT_FOUND'],
  ] as const) {
    const answer = await api.call('POST', path);
    t.is(answer.status, status, path);
    t.is(answer.body.error.code, code, path);
  }
  api.jobs.update(1, (job) => ended(job, 'SUCCESS'));
  const late = await api.call('POST', '/cluster/jobs/1/bandwidth?bandwidth=1MB');
  t.is(late.status, 409);
  t.is(late.body.error.code, 'JOB_ENDED');
});
