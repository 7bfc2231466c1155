import test from 'ava';
import { startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

test('A location is looked at from the scheduler, and the exit code says whether it is reachable', async (t) => {
  const error = { code: 'STORAGE_FAILED', message: 'NoSuchBucket (404): no', hint: 'Make the bucket.' };
  const api = await startApi(t, {
    deps: {
      checkLocation: (location = 'file:///backup') =>
        Promise.resolve(
          location.startsWith('file:')
            ? { location, reachable: true, writable: location === 'file:///backup' }
            : { location, reachable: false, writable: null, error },
        ),
    },
  });
  const good = await cli(api, 'location', 'check');
  t.deepEqual(
    [good.code, good.stdout],
    [0, "file:///backup is reachable from the scheduler's host, and can be written to.\n"],
  );
  t.regex((await cli(api, 'location', 'check', '--location', 'file:///ro')).stdout, /cannot be written to from there/);
  const bad = await cli(api, 'location', 'check', '--location', 's3://bucket/p');
  t.is(bad.code, 1);
  t.is(
    bad.stdout,
    "s3://bucket/p is not reachable from the scheduler's host: NoSuchBucket (404): no (STORAGE_FAILED)\nMake the bucket.\n",
  );
  const json = await cli(api, 'location', 'check', '--json');
  t.deepEqual(JSON.parse(json.stdout), { location: 'file:///backup', reachable: true, writable: true });
});
