import test from 'ava';
import { startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

test('A schedule is set, listed, paused, run and deleted', async (t) => {
  const api = await startApi(t);
  t.is((await cli(api, 'schedule', 'list')).stdout, 'There are no schedules.\n');
  const options = ['--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin', '--keep-daily', '7', '--max-age', '26h'];
  const set = await cli(api, 'schedule', 'set', 'nightly', ...options, '--keyspaces', 'shop,users');
  t.is(set.code, 0, set.stderr);
  t.regex(
    set.stdout,
    /^Schedule nightly: 0 3 \* \* \* Europe\/Berlin\nNext run 20.*\nLast run never\nLast success never\n$/,
  );
  t.deepEqual(api.state.schedules.get('nightly')?.parameters, { keyspaces: ['shop', 'users'] });
  t.regex((await cli(api, 'schedule', 'list')).stdout, /^SCHEDULE +WHEN.*\nnightly +0 3 \* \* \* Europe\/Berlin +20/);
  t.regex((await cli(api, 'schedule', 'pause', 'nightly')).stdout, /Europe\/Berlin, paused\nNext run -/);
  t.is((await cli(api, 'schedule', 'resume', 'nightly')).code, 0);
  t.is((await cli(api, 'schedule', 'run', 'nightly')).code, 0);
  t.not(api.state.schedules.get('nightly')?.current, null);
  t.is((await cli(api, 'schedule', 'delete', 'nightly')).stdout, 'Deleted schedule nightly. Its backups stay.\n');
  t.is((await cli(api, 'schedule', 'show', 'nightly')).code, 2);
});

test('A schedule that makes no sense is refused with what was expected', async (t) => {
  const api = await startApi(t);
  const { code, stderr } = await cli(api, 'schedule', 'set', 'nightly', '--cron', 'daily');
  t.is(code, 2);
  t.regex(stderr, /Expected a cron expression.*"daily".*\n.*0 3 \* \* \*/);
});
