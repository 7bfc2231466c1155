import test from 'ava';
import type { LocationCheck } from '../../../src/model/location-check.ts';
import { startApi } from '../helpers.ts';

const MALFORMED = [
  ['s3://bucket/p?endpoint=http://127.0.0.1:9000', /a region with an endpoint: add &region=/],
  ['s3://bucket/p?colour=blue', /colour/],
  ['s3://Not_A_Bucket/p', /a bucket of 3 to 63/],
  ['ftp://host/backup', /got ftp:/],
] as const;

test('A location that no node could open is refused before there is a job, with what was expected', async (t) => {
  const api = await startApi(t);
  for (const [location, message] of MALFORMED) {
    const query = `location=${encodeURIComponent(location)}`;
    const starts = [
      ['POST', `/cluster/backup/start?name=b&${query}`],
      ['POST', `/cluster/restore/start?name=b&${query}`],
      ['POST', `/cluster/backups/b/verify?${query}`],
      ['POST', `/cluster/backups/sweep?${query}`],
      ['POST', `/cluster/backups/rename-executor?from=a&to=b&${query}`],
      ['PUT', `/cluster/schedules/nightly?cron=0+3+*+*+*&${query}`],
    ] as const;
    for (const [method, path] of starts) {
      const { status, body } = await api.call(method, path);
      t.is(status, 400, path);
      t.is(body.error.code, 'BAD_REQUEST');
      t.regex(body.error.message, message);
    }
  }
  t.deepEqual(api.jobs.list(), []);
  t.deepEqual((await api.call('GET', '/cluster/schedules')).body, { schedules: [] });
});

test('What this host sees of a location is told as it was found', async (t) => {
  const error = { code: 'STORAGE_FAILED', message: 'NoSuchBucket (404): no', hint: 'Make the bucket.' };
  const asked: (string | undefined)[] = [];
  const api = await startApi(t, {
    deps: {
      checkLocation: (location) => {
        asked.push(location);
        const found: LocationCheck = { location: location ?? 'file:///backup', reachable: true, writable: true };
        return Promise.resolve(location === undefined ? found : { ...found, reachable: false, writable: null, error });
      },
    },
  });
  t.deepEqual((await api.call('GET', '/cluster/location/check')).body, {
    location: 'file:///backup',
    reachable: true,
    writable: true,
  });
  const { status, body } = await api.call('GET', '/cluster/location/check?location=s3://bucket/p');
  t.is(status, 200);
  t.deepEqual(body, { location: 's3://bucket/p', reachable: false, writable: null, error });
  t.deepEqual(asked, [undefined, 's3://bucket/p']);
});
