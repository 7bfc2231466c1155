import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { Executor } from '../../src/executor/executor.ts';
import { createLogger } from '../../src/log.ts';
import { decodeHealth } from '../../src/mesos/messages.ts';
import { sealedFor, type GivenCredentials } from '../../src/model/credentials.ts';
import { seal, SealingKey } from '../../src/sealed.ts';
import { request } from '../cassandra/request.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import { RecordingClient, reportOf } from '../helpers/recording-client.ts';
import { EXECUTOR_ID, makeHost, stepRequest } from '../helpers/step-context.ts';

const SERVER = `${EXECUTOR_ID}.server.1`;
const STEP = `${EXECUTOR_ID}.BACKUP.1.backup.1`;
const LOCATION = 's3://bucket/prefix';
const CREDENTIALS = { ACCESS_KEY_ID: 'id', SECRET_ACCESS_KEY: 'geheim' };

/** An executor whose Cassandra runs, and the public key that it told with its health. */
async function startRunning(t: ExecutionContext) {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const client = new RecordingClient();
  const opened: (GivenCredentials | undefined)[] = [];
  const executor = new Executor({
    client,
    executorId: EXECUTOR_ID,
    startServer: () => Promise.resolve(new DirectoryServer(host.node, host.stagingDirectories)),
    openStorage: (_location, { given }) => {
      opened.push(given);
      return Promise.resolve(host.storage);
    },
    pool: host.pool,
    hostname: 'localhost',
    shutdownGracePeriodMs: 5000,
    clock: systemClock,
    log: createLogger('test', 'silent'),
  });
  const stop = new AbortController();
  const done = executor.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await Promise.allSettled([done]);
  });
  await client.launch(SERVER, { server: request({ clusterName: 'dev', executorId: EXECUTOR_ID }) });
  const { data } = await client.until(SERVER, 'TASK_RUNNING');
  const publicKey = decodeHealth(data ?? new Uint8Array()).sealingKey ?? '';
  const launch = (taskId: string, sealedCredentials?: string) =>
    client.launch(taskId, {
      step: stepRequest({ location: LOCATION, ...(sealedCredentials === undefined ? {} : { sealedCredentials }) }),
    });
  return { client, opened, publicKey, launch };
}

const sealFor = (publicKey: string, taskId: string, location = LOCATION) =>
  seal(JSON.stringify(CREDENTIALS), publicKey, sealedFor(taskId, location));

test('a step opens its location with the credentials that were sealed for it, and tells them to nobody', async (t) => {
  const { client, opened, publicKey, launch } = await startRunning(t);
  await launch(STEP, sealFor(publicKey, STEP));
  const ended = await client.until(STEP, 'TASK_FINISHED');
  t.deepEqual(opened, [CREDENTIALS]);
  t.notRegex(JSON.stringify([client.messages, reportOf(ended)]), /geheim/);
});

test('a step without credentials of its own is given none, also after one that had some', async (t) => {
  const { client, opened, publicKey, launch } = await startRunning(t);
  await launch(STEP, sealFor(publicKey, STEP));
  await client.until(STEP, 'TASK_FINISHED');
  await launch(`${STEP}0`);
  await client.until(`${STEP}0`, 'TASK_FINISHED');
  t.deepEqual(opened, [CREDENTIALS, undefined]);
});

test('what was sealed for another task, another location or another executor is refused before anything is opened', async (t) => {
  const { client, opened, publicKey, launch } = await startRunning(t);
  const wrong = [
    sealFor(publicKey, `${STEP}0`),
    sealFor(publicKey, `${STEP}2`, 's3://elsewhere/prefix'),
    sealFor(new SealingKey().publicKey, `${STEP}3`),
    'no seal at all',
    '',
  ];
  for (const [index, sealed] of wrong.entries()) {
    const taskId = `${STEP}${index + 1}`;
    await launch(taskId, sealed);
    const refused = await client.until(taskId, 'TASK_FAILED');
    t.regex(refused.message ?? '', /expected credentials that were sealed for this executor and task/);
    t.is(reportOf(refused).errors[0]?.code, 'TASK_LOST', 'the scheduler seals them anew');
  }
  t.deepEqual(opened, []);
});
