import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type cassandra from 'cassandra-driver';
import type { LocalRing } from '../../../scripts/lib/local-ring.ts';
import { startVersitygw } from '../../storage/versitygw.ts';
import { atWork, ended, executor, hold, newName, type JobJson, type JobKind } from '../ring.ts';
import { contents, createSmall, drop, put } from '../small-table.ts';
import { filesWith, hasText, processesWith } from './secret-search.ts';

const KEYSPACE = 'by_request';

interface Place {
  ring: LocalRing;
  client: cassandra.Client;
  /** For the store, beside the ring's own directory. */
  scratch: string;
  /** Bodies of what the webhook was told. */
  told: string[];
}

/** A store whose only key comes with the requests, and everything that the ring has answered. */
async function requesting(t: ExecutionContext, { ring, scratch }: Place) {
  const key = { id: `id${randomBytes(8).toString('hex')}`, secret: randomBytes(20).toString('hex') };
  const server = await startVersitygw(scratch, [], key);
  t.teardown(() => server.stop());
  const options = { endpoint: server.endpoint, region: 'us-east-1', createBucket: 'true' };
  const location = `s3://requests/prod?${new URLSearchParams(options).toString()}`;
  const credentials = { ACCESS_KEY_ID: key.id, SECRET_ACCESS_KEY: key.secret };
  const answers: string[] = [];
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const json = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(ring.url + path, body === undefined ? { method } : json);
    const answer = await response.text();
    answers.push(answer);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(answer) : answer;
  };
  const start = async (kind: JobKind, params: object): Promise<number> => {
    const asked = { ...params, location, credentials };
    return ((await ask('POST', `/cluster/${kind}/start`, asked)) as { job: number }).job;
  };
  /** Where the secret is, but in the store's own process. */
  const found = (): string[] => [
    ...processesWith(key.secret).filter((path) => !path.startsWith(`/proc/${server.pid}/`)),
    ...filesWith(ring.options.data, key.secret),
    ...answers.filter((answer) => hasText(answer, key.secret) || hasText(answer, key.id)),
  ];
  return { ask, start, found };
}

/** A backup and a restore with credentials that come with the requests; they are searched for while and after they are used. */
export async function backUpByRequest(t: ExecutionContext, place: Place): Promise<void> {
  const { ring, client, told } = place;
  const { ask, start, found } = await requesting(t, place);
  await createSmall(client, KEYSPACE, 50, 1);
  const rows = await contents(client, KEYSPACE);
  const name = newName('by-request');

  const release = hold(ring, 0);
  const id = await start('backup', { name, keyspaces: [KEYSPACE] });
  await atWork(ring, id, 'backup', executor(0));
  t.deepEqual(found(), []);
  const mesos = join(ring.options.data, 'mesos');
  t.true(filesWith(mesos, name).length > 0, 'Mesos keeps what a task is told');
  const events = ask('GET', `/cluster/jobs/${id}/events`);
  release();
  const backup = await ended(ring, 'backup', id);
  t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  await events;

  await client.execute(`TRUNCATE ${KEYSPACE}.t`);
  await put(client, KEYSPACE, 1, 'written after the backup');
  const restore = await ended(ring, 'restore', await start('restore', { name }));
  t.is(restore.result, 'SUCCESS', JSON.stringify(restore.errors));
  t.deepEqual(await contents(client, KEYSPACE), rows);

  const paths = ['jobs', `jobs/${id}`, 'backup/last', 'backup/status', 'restore/last', 'backups'];
  for (const path of [...paths.map((each) => `/cluster/${each}`), '/node/all', '/config', '/metrics']) {
    await ask('GET', path);
  }
  t.is(((await ask('GET', `/cluster/jobs/${id}`)) as { credentials?: string }).credentials, 'request');
  await ring.until('the webhook was told', 10_000, () => Promise.resolve(told.some((body) => body.includes(name))));
  t.deepEqual([...found(), ...told.filter((body) => body.includes('SECRET_ACCESS_KEY'))], []);
  await drop(client, KEYSPACE);
}

/** The scheduler is killed while a step is at work: the job ends with the reason, and goes on with the credentials. */
export async function loseCredentials(t: ExecutionContext, place: Place): Promise<void> {
  const { ring, client } = place;
  const { ask, start, found } = await requesting(t, place);
  await createSmall(client, KEYSPACE, 10, 1);
  const params = { name: newName('lost'), keyspaces: [KEYSPACE] };
  const release = hold(ring, 0);
  const id = await start('backup', params);
  await atWork(ring, id, 'backup', executor(0));
  process.kill(ring.schedulerPid, 'SIGKILL');
  release();
  const lost: JobJson = await ended(ring, 'backup', id);
  t.is(lost.result, 'FAILURE');
  t.deepEqual(
    lost.errors.map(({ code }) => code),
    ['CREDENTIALS_GONE'],
  );
  await ring.ready(60_000);
  const again = await ended(ring, 'backup', await start('backup', { ...params, resume: true }));
  t.is(again.result, 'SUCCESS', JSON.stringify(again.errors));
  await ask('GET', '/cluster/jobs');
  t.deepEqual(found(), []);
  await drop(client, KEYSPACE);
}
