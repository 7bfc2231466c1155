import test from 'ava';
import { systemClock } from '../../src/clock.ts';
import { Executor } from '../../src/executor/executor.ts';
import { createLogger } from '../../src/log.ts';
import { encodePace } from '../../src/mesos/messages.ts';
import { request } from '../cassandra/request.ts';
import { deferred, DirectoryServer } from '../helpers/directory-server.ts';
import { RecordingClient } from '../helpers/recording-client.ts';
import { EXECUTOR_ID, makeHost, stepRequest } from '../helpers/step-context.ts';

const SERVER = `${EXECUTOR_ID}.server.1`;
const STEP = `${EXECUTOR_ID}.BACKUP.1.backup.1`;

test('a step goes by the limit that it was launched with, then by the last that it was told, and says so', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const client = new RecordingClient();
  const executor = new Executor({
    client,
    executorId: EXECUTOR_ID,
    startServer: () => Promise.resolve(new DirectoryServer(host.node, host.stagingDirectories)),
    openStorage: () => Promise.resolve(host.storage),
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
    await done;
  });
  const serverRequest = request({ clusterName: 'dev', executorId: EXECUTOR_ID, healthIntervalMs: 20 });
  await client.launch(SERVER, { server: serverRequest });
  await client.until(SERVER, 'TASK_RUNNING');

  const goOn = deferred();
  host.node.before = (operation) => (operation === 'takeSnapshot' ? goOn.promise : undefined);
  const told = (taskId: string, bandwidth: number | null): Promise<void> =>
    client.send({ type: 'MESSAGE', message: { data: encodePace({ taskId, bandwidth }) } });
  const said = () =>
    client.messages.flatMap((message) => ('progress' in message ? [message.progress.report.bandwidth] : []));
  await client.launch(STEP, { step: stepRequest({ bandwidth: 5000 }) });
  await client.untilHolds(() => said().at(-1) === 5000);
  await told(`${EXECUTOR_ID}.BACKUP.0.backup.1`, 9000);
  await client.send({ type: 'MESSAGE', message: { data: Buffer.from('no message of ours') } });
  t.is(host.pool.throttle.rate, 5000, 'what is meant for another task is not for this one');
  await told(STEP, 2000);
  await client.untilHolds(() => said().at(-1) === 2000);
  t.is(host.pool.throttle.rate, 2000);
  await told(STEP, null);
  await client.untilHolds(() => said().at(-1) === null);
  goOn.resolve();
  await client.until(STEP, 'TASK_FINISHED');
});
