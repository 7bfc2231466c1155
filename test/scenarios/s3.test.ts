import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { HAS_OPENSSL, startTlsFront } from '../helpers/tls-front.ts';
import { KEY, startVersitygw, VERSITYGW, type S3Server } from '../storage/versitygw.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const suite = anyTest as TestFn<SmallContext>;
const test = VERSITYGW === null ? suite.skip : suite;
const KEYSPACE = 'in_s3';
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

test('credentials that are missing or wrong end a backup on each node before any snapshot', async (t) => {
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
    const begun = refused.phases.filter(({ steps }) => steps.some(({ started }) => started !== null));
    t.deepEqual(
      begun.map(({ name }) => name),
      ['preflight'],
      'no snapshot was taken',
    );
  }
});

const testOverTls = HAS_OPENSSL ? test : suite.skip;

testOverTls(
  "a backup that is reached by a CA of one's own and that the store retains is not deleted before its date, and can be restored",
  async (t) => {
    const { ring, client } = t.context;
    const front = await startTlsFront(t, server?.endpoint ?? '');
    const place = new URLSearchParams({
      ...store(),
      endpoint: front.url,
      caFile: front.certificateFile,
      credentials: `file:${await keyFile('locked', KEY.secret)}`,
      objectLock: 'COMPLIANCE',
      objectLockDays: '2',
      createBucket: 'true',
    });
    const at = `location=${encodeURIComponent(`s3://locked/prod?${place.toString()}`)}`;
    const name = newName('object');
    const backup = await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&${at}`);
    t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
    const rows = await contents(client, KEYSPACE);

    const deletion = await finished(t, ring, 'DELETE', `/cluster/backups/${name}?force=true&${at}`);
    t.is(deletion.result, 'FAILURE');
    const date = new Date(Date.now() + 2 * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    for (const { code, message } of deletion.errors) {
      t.is(code, 'BACKUP_RETAINED');
      t.true(message.includes(`before ${date}`), message);
    }
    t.not(deletion.errors.length, 0);

    await put(client, KEYSPACE, 1, 'written after the backup');
    const restored = await run(t, ring, 'restore', `name=${name}&strategy=parallel&${at}`);
    t.is(restored.result, 'SUCCESS', JSON.stringify(restored.errors));
    t.deepEqual(await contents(client, KEYSPACE), rows);
  },
);
