import test from 'ava';
import { systemClock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { Executor } from '../../src/executor/executor.ts';
import { request } from '../cassandra/request.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import { logLines } from '../helpers/log-lines.ts';
import { RecordingClient } from '../helpers/recording-client.ts';
import { EXECUTOR_ID, makeHost, stepRequest } from '../helpers/step-context.ts';

const SERVER = `${EXECUTOR_ID}.server.1`;
const STEP = `${EXECUTOR_ID}.BACKUP.7.backup.3`;

test('Every line of a step has its job and node, and a keyspace that failed its name and reason', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['shop', 'blog']) {
    host.node.createTable(keyspace, 'users');
    host.node.write(keyspace, 'users', 'ada');
  }
  const client = new RecordingClient();
  const { log, lines } = logLines();
  const executor = new Executor({
    client,
    executorId: EXECUTOR_ID,
    startServer: () => Promise.resolve(new DirectoryServer(host.node, host.stagingDirectories)),
    openStorage: () => Promise.resolve(host.storage),
    pool: host.pool,
    hostname: 'localhost',
    shutdownGracePeriodMs: 5000,
    clock: systemClock,
    log,
  });
  const stop = new AbortController();
  const done = executor.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await Promise.allSettled([done]);
  });
  await client.launch(SERVER, {
    server: request({ clusterName: 'dev', executorId: EXECUTOR_ID, healthIntervalMs: 20 }),
  });
  await client.until(SERVER, 'TASK_RUNNING');
  host.node.before = (operation, args) =>
    operation === 'takeSnapshot' && args.includes('blog')
      ? Promise.reject(new OperatorError('SNAPSHOT_FAILED', 'no room for a snapshot'))
      : undefined;
  // The last attempt goes on without a keyspace that fails.
  await client.launch(STEP, { step: stepRequest({ jobId: 7, attempt: 3, executorId: EXECUTOR_ID }) });
  await client.until(STEP, 'TASK_FINISHED');
  t.true(lines.every((line) => line['node'] === EXECUTOR_ID));
  const ofStep = lines.filter(({ task }) => task === STEP);
  t.true(ofStep.every((line) => line['job'] === 7 && line['phase'] === 'backup' && line['attempt'] === 3));
  t.deepEqual(
    ofStep.filter(({ msg }) => msg !== 'progress was not delivered').map(({ msg }) => msg),
    ['step begins', 'keyspace failed', 'step ended'],
  );
  t.like(ofStep[1], { keyspace: 'blog', reason: 'no room for a snapshot', level: 40 });
});
