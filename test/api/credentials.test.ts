import test from 'ava';
import type { GivenCredentials } from '../../src/model/credentials.ts';
import { startApi } from './helpers.ts';
import { ended } from './job-fixtures.ts';

const LOCATION = 's3://bucket/prefix?region=eu';
const CREDENTIALS = { ACCESS_KEY_ID: 'AKIDID', SECRET_ACCESS_KEY: 'geheim' };
const QUERY = `location=${encodeURIComponent(LOCATION)}`;

const STARTS = [
  ['POST', '/cluster/backup/start', { name: 'b' }],
  ['POST', '/cluster/restore/start', { name: 'b' }],
  ['POST', '/cluster/backups/b/verify', {}],
  ['DELETE', '/cluster/backups/b', { force: true }],
  ['POST', '/cluster/backups/sweep', {}],
  ['POST', '/cluster/backups/rename-executor', { from: 'a', to: 'b' }],
  ['POST', '/cluster/backups/adopt', { name: 'c' }],
] as const;

for (const [method, path, params] of STARTS) {
  test(`${method} ${path} takes credentials in its body, and says no more than that there are some`, async (t) => {
    const api = await startApi(t);
    const json = { ...params, location: LOCATION, credentials: CREDENTIALS };
    const { status, body, text } = await api.call(method, path, { json });
    t.is(status, 200, text);
    t.deepEqual(api.jobs.credentialsOf(body.job), CREDENTIALS);
    const job = await api.call('GET', `/cluster/jobs/${body.job}`);
    t.is(job.body.credentials, 'request');
    api.jobs.update(body.job, (running) => ended(running, 'SUCCESS'));
    const jobs = await api.call('GET', '/cluster/jobs');
    t.notRegex([text, job.text, jobs.text, api.seen.log].join(), /geheim|AKIDID/);
  });
}

const unseen = () => Promise.resolve({ seen: false, reason: 'it is not there' } as const);

test('what goes is looked for with the credentials of the request, and deleted with them', async (t) => {
  const seen: (GivenCredentials | undefined)[] = [];
  const list = (_location: string, given?: GivenCredentials) => {
    seen.push(given);
    return unseen();
  };
  const counting = { ownBytes: () => null, countOwnBytes: () => Promise.resolve(null) };
  const reader = { list, read: unseen, foreign: unseen, ...counting };
  const api = await startApi(t, { reader });
  const json = { location: LOCATION, credentials: CREDENTIALS };
  const pruned = await api.call('POST', '/cluster/backups/prune', { json: { ...json, keepLast: 1 } });
  t.is(pruned.status, 200, pruned.text);
  const deleted = await api.call('DELETE', '/cluster/backups/b', { json });
  t.is(deleted.status, 200, deleted.text);
  t.deepEqual(seen, [CREDENTIALS, CREDENTIALS]);
});

test('in the query they are refused by name, whatever they are', async (t) => {
  const api = await startApi(t);
  for (const given of ['credentials=geheim', `credentials=${encodeURIComponent(JSON.stringify(CREDENTIALS))}`]) {
    const { status, body, text } = await api.call('POST', `/cluster/backup/start?${QUERY}&${given}`);
    t.is(status, 400);
    t.regex(body.error.message, /credentials: expected it in the JSON body alone, got it in the query/);
    t.notRegex(text, /geheim|AKIDID/);
  }
  t.is(api.jobs.list().length, 0);
});

test('a schedule cannot have them, nor a look at a location', async (t) => {
  const api = await startApi(t);
  const json = { cron: '0 3 * * *', location: LOCATION, credentials: CREDENTIALS };
  const put = await api.call('PUT', '/cluster/schedules/nightly', { json });
  const get = await api.call('GET', `/cluster/backups?${QUERY}&credentials=geheim`);
  for (const { status, body, text } of [put, get]) {
    t.is(status, 400);
    t.regex(body.error.message, /credentials: those of a request are not kept.*credentials=file:\/path, secret:name/);
    t.notRegex(text, /geheim|AKIDID/);
  }
});

test('wrong ones are refused by name, and no value is repeated', async (t) => {
  const api = await startApi(t);
  for (const [location, credentials, message] of [
    [LOCATION, 'geheim', /credentials: expected an object of names and texts/],
    [LOCATION, { ACCESS_KEY_ID: ['geheim'] }, /credentials: expected an object of names and texts/],
    [LOCATION, { ACCESS_KEY_ID: 'geheim' }, /credentials: expected ACCESS_KEY_ID \+ SECRET_ACCESS_KEY/],
    [LOCATION, { ...CREDENTIALS, SESSION_TOKEN: '' }, /expected a value of SESSION_TOKEN, got an empty one/],
    ['file:///backup', CREDENTIALS, /no credentials for a location that is a directory/],
    [undefined, CREDENTIALS, /no credentials for a location that is a directory/],
    [`${LOCATION}&credentials=file:/keys`, CREDENTIALS, /either these or the location's own/],
  ] as const) {
    for (const path of ['/cluster/backup/start', '/cluster/backups/prune']) {
      const { status, body, text } = await api.call('POST', path, { json: { location, credentials } });
      t.is(status, 400, text);
      t.regex(body.error.message, message);
      t.notRegex(text, /geheim|AKIDID/);
    }
  }
  t.is(api.jobs.list().length, 0);
});

test('a body that cannot be read is not repeated', async (t) => {
  const api = await startApi(t);
  const headers = { 'content-type': 'application/json' };
  for (const body of ['{"credentials":{"SECRET_ACCESS_KEY":geheim}}', 'geheim', '{"a":"geheim"']) {
    const { status, text } = await api.call('POST', '/cluster/backup/start', { headers, body });
    t.is(status, 400);
    t.notRegex(`${text} ${api.seen.log}`, /geheim/);
  }
});
