import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import { jobJson } from '../../src/jobs/job-json.ts';
import { checkGiven, isLaunchable, withoutLostCredentials } from '../../src/jobs/request-credentials.ts';
import { error, health, id, LIMITS, node, PARAMETERS, START } from './helpers.ts';
import { finish, refused, rig, type Rig } from './rig.ts';
import { ticker } from './ticker.ts';

const S3 = 's3://bucket/prefix?region=eu';
const KEYS = { ACCESS_KEY_ID: 'id', SECRET_ACCESS_KEY: 'geheim' };
const REQUEST = { name: 'b1', location: S3, credentials: KEYS };

/** Its executors have keys. */
function withKeys(made: Rig, count = 2): Rig {
  for (let number = 0; number < count; number += 1) {
    made.state.nodes.save(node(number, { health: health(number, { sealingKey: `key-${number}` }) }));
  }
  return made;
}

/** What a scheduler finds that is started on the same state. */
function restarted({ state }: Rig): ClusterJobs {
  return new ClusterJobs({
    state,
    clock: { now: () => START, sleep: () => Promise.reject(new Error('nothing sleeps here')) },
    cluster: 'test',
    defaultLocation: 'file:///backup',
    wake: () => undefined,
    findBackup: () => Promise.resolve({ state: 'UNKNOWN', message: null }),
  });
}

for (const [location, given] of [
  [S3, KEYS],
  [S3, { ...KEYS, SESSION_TOKEN: 'token' }],
  ['azure://container/prefix?account=a', { ACCOUNT_KEY: 'k' }],
  ['azure://container', { CONNECTION_STRING: 'AccountName=a;AccountKey=k' }],
  ['azure://container', { SAS: 'sv=1&sig=k' }],
  ['azure://container', { CLIENT_ID: 'c', TENANT_ID: 't', CLIENT_SECRET: 's', ACCOUNT: 'a' }],
  ['gs://bucket/prefix', { CREDENTIALS: '{"type":"service_account"}' }],
] as const) {
  test(`a request for ${location} may come with ${Object.keys(given).join(' and ')}`, (t) => {
    t.notThrows(() => checkGiven(given, location));
  });
}

const NONE: Record<string, string> = {};
for (const [location, given, message] of [
  ['file:///backup', KEYS, /no credentials for a location that is a directory/],
  ['backup', KEYS, /no credentials for a location that is a directory/],
  [`${S3}&credentials=env:S3_`, KEYS, /either these or the location's own credentials=, got both/],
  [S3, NONE, /expected ACCESS_KEY_ID \+ SECRET_ACCESS_KEY \+ SESSION_TOKEN\?, got none/],
  [S3, { SECRET_ACCESS_KEY: 'geheim' }, /got SECRET_ACCESS_KEY/],
  [S3, { ...KEYS, ACCOUNT_KEY: 'geheim' }, /got ACCESS_KEY_ID \+ SECRET_ACCESS_KEY \+ ACCOUNT_KEY/],
  [S3, { ...KEYS, geheim: 'x' }, /got ACCESS_KEY_ID \+ SECRET_ACCESS_KEY \+ 1 that is no name/],
  [S3, { ...KEYS, ACCESS_KEY_ID: ' ' }, /expected a value of ACCESS_KEY_ID, got an empty one/],
  [S3, { ...KEYS, SECRET_ACCESS_KEY: 'geheim'.repeat(6000) }, /SECRET_ACCESS_KEY of at most 32 KiB, got a longer/],
  [
    'azure://container',
    { ACCOUNT_KEY: 'geheim', SAS: 'geheim' },
    /CONNECTION_STRING \| ACCOUNT_KEY \+ ACCOUNT\? \| SAS/,
  ],
  ['gs://bucket', KEYS, /expected CREDENTIALS, got/],
] as const) {
  test(`refused for ${location}: ${String(message)}`, (t) => {
    const error = t.throws(() => checkGiven(given, location), {
      instanceOf: OperatorError,
      code: 'BAD_REQUEST',
      message,
    });
    t.notRegex(`${error.message} ${error.hint}`, /geheim/);
  });
}

test('they are used for the look at the location, and known as long as the job runs', async (t) => {
  const made = withKeys(rig(t));
  const job = await made.jobs.start('BACKUP', REQUEST);
  t.deepEqual(made.given, [KEYS]);
  t.deepEqual(made.jobs.credentialsOf(job.id), KEYS);
  finish(made);
  t.is(made.jobs.credentialsOf(job.id), null);
});

test('a job says that there were some, and neither its JSON nor what is stored says more', async (t) => {
  const made = withKeys(rig(t));
  const { id: jobId } = await made.jobs.start('BACKUP', REQUEST);
  const stored = restarted(made).get(jobId);
  t.is(stored?.parameters.credentials, 'request');
  const json = jobJson(made.jobs.get(jobId)!, made.state.nodes.all());
  t.is(json.credentials, 'request');
  t.notRegex(JSON.stringify([stored, json]), /geheim/);
});

test('a start that is refused keeps none', async (t) => {
  const made = withKeys(rig(t));
  await made.jobs.start('BACKUP', { name: 'other' });
  await refused(t, made.jobs.start('BACKUP', REQUEST), 'JOB_RUNNING');
  t.is(made.jobs.credentialsOf(made.jobs.running()?.id ?? 0), null);
  await refused(t, made.jobs.start('BACKUP', { ...REQUEST, location: 'file:///backup' }), 'BAD_REQUEST');
  await refused(t, made.jobs.start('REPAIR', { credentials: KEYS }), 'BAD_REQUEST');
});

test('after a restart of the scheduler the job ends at once, and says what to do', async (t) => {
  const made = withKeys(rig(t));
  const { id: jobId } = await made.jobs.start('BACKUP', REQUEST);
  const after = restarted(made);
  after.tick(LIMITS);
  const job = after.get(jobId);
  t.is(job?.result, 'FAILURE');
  t.deepEqual(
    job?.errors.map(({ code }) => code),
    ['CREDENTIALS_GONE'],
  );
  t.regex(
    job?.errors[0]?.message ?? '',
    /not kept over a restart.*start it again with resume=true and the credentials/,
  );
});

test('a step at work may end well after a restart, what follows is not begun', async (t) => {
  const made = withKeys(rig(t));
  const { id: jobId } = await made.jobs.start('BACKUP', REQUEST);
  made.jobs.update(jobId, (job) => ({
    ...job,
    phases: job.phases.with(0, {
      ...job.phases[0]!,
      steps: job.phases[0]!.steps.with(0, {
        ...job.phases[0]!.steps[0]!,
        state: 'RUNNING',
        taskId: 'task',
        started: START,
      }),
    }),
  }));
  const after = restarted(made);
  after.tick(LIMITS);
  const running = after.get(jobId);
  t.is(running?.result, null);
  t.deepEqual(
    new Set(running?.phases.flatMap(({ steps }) => steps.map(({ state }) => state))),
    new Set(['RUNNING', 'SKIPPED']),
  );
  t.true(after.abort('BACKUP', true), 'and can be aborted');
});

test('a restore that has emptied tables goes on to fill them, before that it ends', (t) => {
  const turned = ticker('RESTORE', 2, { credentials: 'request' }).until('stage');
  t.like(withoutLostCredentials(turned.job), { errors: [{ code: 'CREDENTIALS_GONE' }] });
  turned.until('truncate');
  t.is(withoutLostCredentials(turned.job), turned.job);
  turned.until('load');
  t.is(withoutLostCredentials(turned.job), turned.job);
  t.is(turned.run().result, 'SUCCESS');
});

test('a truncation that has to be tried again is not: what is staged does not belong into tables that are not empty', (t) => {
  const turned = ticker('RESTORE', 2, { credentials: 'request' }).until('truncate');
  turned.end(({ phase }) => (phase === 'truncate' ? error('CASSANDRA_UNAVAILABLE', 'gone') : undefined));
  turned.job = withoutLostCredentials(turned.job);
  t.is(turned.run().result, 'FAILURE');
  t.deepEqual(turned.states('load'), ['SKIPPED', 'SKIPPED']);
});

test('a job without credentials of its own goes on after a restart', async (t) => {
  const made = withKeys(rig(t));
  const { id: jobId } = await made.jobs.start('BACKUP', { name: 'b1', location: S3 });
  const after = restarted(made);
  after.tick(LIMITS);
  t.like(after.get(jobId), { result: null, errors: [] });
});

test('a step is launched with them or not at all, unless what it needs was staged', (t) => {
  const job = { parameters: { ...PARAMETERS, credentials: 'request' as const } };
  const able = node(0, { health: health(0, { sealingKey: 'key' }) });
  for (const name of ['preflight', 'backup', 'check', 'truncate', 'delete'] as const) {
    t.true(isLaunchable(job, { name }, able, KEYS));
    t.false(isLaunchable(job, { name }, able, null), name);
    t.false(isLaunchable(job, { name }, node(0), KEYS), name);
    t.true(isLaunchable({ parameters: PARAMETERS }, { name }, node(0), null));
  }
  for (const name of ['load', 'verify', 'cleanup'] as const) t.true(isLaunchable(job, { name }, able, null), name);
});

test('a node whose executor cannot be given them fails, with what to do', async (t) => {
  const made = withKeys(rig(t), 1);
  const { id: jobId } = await made.jobs.start('BACKUP', REQUEST);
  made.jobs.tick(LIMITS);
  const [first] = made.jobs.get(jobId)?.phases ?? [];
  t.deepEqual(
    first?.steps.map(({ executorId, state, error }) => [executorId, state, error?.code]),
    [
      [id(0), 'PENDING', undefined],
      [id(1), 'FAILED', 'STORAGE_FAILED'],
    ],
  );
  t.regex(first?.steps[1]?.error?.message ?? '', /restart the node/);
});
