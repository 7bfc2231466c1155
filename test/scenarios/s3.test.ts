import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { KEY, startVersitygw, VERSITYGW, type S3Server } from '../storage/versitygw.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const suite = anyTest as TestFn<SmallContext>;
const test = VERSITYGW === null ? suite.skip : suite;
const KEYSPACE = 'in_s3';
/** Seconds, on a machine that does much else. */
const SOON_MS = 30_000;
useSmall(suite, KEYSPACE);

let server: S3Server | null = null;
let directory = '';

suite.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-ring-'));
  if (VERSITYGW !== null) server = await startVersitygw(directory);
});

suite.after.always(async () => {
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

const store = () => ({ endpoint: server?.endpoint ?? '', region: 'us-east-1' });

async function keyFile(name: string, secret: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `[default]\naws_access_key_id = ${KEY.id}\naws_secret_access_key = ${secret}\n`);
  return path;
}

async function finished(
  t: ExecutionContext,
  ring: LocalRing,
  method: 'POST' | 'DELETE',
  path: string,
): Promise<JobJson> {
  const { status, body } = await ring.request(method, path);
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return job(ring, id);
}

/** Files below a directory that hold a text. */
function holding(below: string, text: string): string[] {
  return readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:log|sqlite|sqlite-wal|json)$|^std(?:out|err)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

test('backups in S3 build on each other, are verified, restored row by row and deleted, and no secret is told', async (t) => {
  const { ring, client } = t.context;
  const place = { ...store(), credentials: `file:${await keyFile('credentials', KEY.secret)}` };
  const location = encodeURIComponent(
    `s3://backups/prod?${new URLSearchParams({ ...place, createBucket: 'true' }).toString()}`,
  );
  const [first, second] = [newName('object'), newName('object')];
  const backUp = async (name: string) =>
    (await run(
      t,
      ring,
      'backup',
      `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&location=${location}`,
    )) as JobJson & {
      bytesSent: number;
      bytesDone: number;
    };

  const whole = await backUp(first);
  t.is(whole.result, 'SUCCESS', JSON.stringify(whole.errors));
  const rows = await contents(client, KEYSPACE);
  const increment = await backUp(second);
  t.is(increment.result, 'SUCCESS', JSON.stringify(increment.errors));
  t.true(increment.bytesDone > 0);
  t.is(increment.bytesSent, 0, 'it refers to what the first one holds');

  const deleted = await finished(t, ring, 'DELETE', `/cluster/backups/${first}?location=${location}`);
  t.is(deleted.result, 'PARTIAL');
  t.true(
    deleted.errors.every(({ code }) => code === 'BACKUP_NEEDED'),
    JSON.stringify(deleted.errors),
  );
  const verified = await finished(t, ring, 'POST', `/cluster/backups/${second}/verify?deep=true&location=${location}`);
  t.is(verified.result, 'SUCCESS', JSON.stringify(verified.errors));

  await client.execute(`TRUNCATE ${KEYSPACE}.t`);
  await put(client, KEYSPACE, 1, 'written after the backup');
  const restored = await run(t, ring, 'restore', `name=${second}&strategy=parallel&location=${location}`);
  t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
  t.deepEqual(await contents(client, KEYSPACE), rows);

  t.deepEqual(holding(ring.options.data, KEY.secret), []);
  t.false(JSON.stringify((await ring.get('/cluster/jobs')).body).includes(KEY.secret));
});

test('credentials that are missing or wrong end a backup in seconds on each node, before any snapshot', async (t) => {
  const { ring } = t.context;
  for (const [path, reason] of [
    ['/nowhere', /read the credentials of the store from \/nowhere/],
    [
      await keyFile('stranger', 'not-the-secret'),
      /SignatureDoesNotMatch \(403\): .* The secret key is not the one of this access key/,
    ],
  ] as const) {
    const wrong = new URLSearchParams({ ...store(), credentials: `file:${path}` }).toString();
    const query = `name=${newName('object')}&keyspaces=${KEYSPACE}&location=${encodeURIComponent(`s3://backups/prod?${wrong}`)}`;
    const refused = await run(t, ring, 'backup', query);
    t.is(refused.result, 'FAILURE');
    t.deepEqual(
      refused.errors.map(({ executorId, code, message }) => [executorId, code, reason.test(message)]),
      [0, 1, 2].map((number) => [executor(number), 'STORAGE_FAILED', true]),
      JSON.stringify(refused.errors),
    );
    t.true((refused.finished ?? Infinity) - refused.started < SOON_MS, 'it is told in seconds');
    const begun = refused.phases.filter(({ steps }) => steps.some(({ started }) => started !== null));
    t.deepEqual(
      begun.map(({ name }) => name),
      ['preflight'],
      'no snapshot was taken',
    );
  }
});
