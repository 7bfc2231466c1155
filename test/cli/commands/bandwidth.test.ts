import test from 'ava';
import { launched } from '../../../src/jobs/next-steps.ts';
import { onProgress } from '../../../src/jobs/step-updates.ts';
import { emptyReport } from '../../../src/model/step.ts';
import { NOW, startApi } from '../../api/helpers.ts';
import { pastPreflight } from '../../helpers/past-preflight.ts';
import { cli } from '../helpers.ts';

test('Limits are given at the start and changed while the job runs', async (t) => {
  const api = await startApi(t);
  const limits = ['--bandwidth', '50MB/s', '--cluster-bandwidth', '100MB/s'];
  t.is((await cli(api, 'backup', 'start', '--name', 'b0', ...limits)).code, 0);
  t.like(api.jobs.get(1)?.parameters, { bandwidth: 50_000_000, clusterBandwidth: 100_000_000 });
  const changed = await cli(api, 'backup', 'bandwidth', '20MiB/s', '--cluster-bandwidth', 'none');
  t.deepEqual(
    [changed.code, changed.stdout],
    [0, 'Job 1: at most 20.0 MiB/s on each node, no limit on all together.\n'],
  );
  t.is(api.jobs.get(1)?.parameters.bandwidth, 20 * 1024 ** 2);
  const json = await cli(api, 'backup', 'bandwidth', 'none', '--json');
  t.deepEqual(JSON.parse(json.stdout), { job: 1, bandwidth: null, clusterBandwidth: null });
});

test('Without a job of that kind, or without a rate, nothing is changed', async (t) => {
  const api = await startApi(t);
  await api.jobs.start('BACKUP', { name: 'b0' });
  const nothing = await cli(api, 'restore', 'bandwidth', '1MB/s');
  t.is(nothing.code, 1);
  t.regex(nothing.stderr, /No restore is running.*\(JOB_ENDED\)/);
  t.is((await cli(api, 'backup', 'bandwidth')).code, 2);
  const wrong = await cli(api, 'backup', 'bandwidth', 'fast');
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /bandwidth: expected bytes per second such as 50MB\/s, .*, or none, got "fast"/);
});

test('The job that runs is shown with its rate and the time that is left', async (t) => {
  const api = await startApi(t);
  const { id } = await api.jobs.start('BACKUP', { name: 'b0', nodes: ['cassandra.dev.node.0.executor'] });
  api.jobs.update(id, (job) => launched(pastPreflight(job), 1, 0, 'task', NOW));
  for (const second of [0, 1]) {
    const report = { ...emptyReport(), bytesTotal: 10 * 1024, bytesDone: second * 1024 };
    api.jobs.update(id, (job) => onProgress(job, 'task', report, NOW + second * 1000));
  }
  t.regex((await cli(api, 'backup', 'status')).stdout, /1\.0 KiB of 10\.0 KiB, 1\.0 KiB\/s, 9s left\n/);
});
