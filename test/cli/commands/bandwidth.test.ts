import test from 'ava';
import { startApi } from '../../api/helpers.ts';
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
