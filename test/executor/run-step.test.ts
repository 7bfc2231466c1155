import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { nodeLoad } from '../../src/executor/node-load.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { Reporter } from '../../src/executor/report.ts';
import { runStep, type StepOutcome } from '../../src/executor/run-step.ts';
import { createLogger } from '../../src/log.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { openStorage } from '../../src/storage/open.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import { backUp, commitOf, EXECUTOR_ID, makeHost, stepRequest, storePart, type Host } from '../helpers/step-context.ts';

interface Rig {
  host: Host;
  server: DirectoryServer;
  location: string;
  run: (change: Partial<StepRequest>) => Promise<StepOutcome>;
}

/** A node with data whose steps open their location as an executor does. */
async function rig(t: ExecutionContext): Promise<Rig> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  const server = new DirectoryServer(host.node, host.stagingDirectories);
  const location = join(host.root, 'backup');
  const run = (change: Partial<StepRequest>): Promise<StepOutcome> =>
    runStep(
      stepRequest({ location, ...change }),
      { current: server, ip: '127.0.0.1' },
      new Reporter(EXECUTOR_ID, systemClock),
      new AbortController().signal,
      {
        openStorage: (url, how) => openStorage(url, { pool: host.pool, baseDirectory: host.root, ...how }),
        pool: host.pool,
        hostname: 'localhost',
        clock: systemClock,
        log: createLogger('test', 'silent'),
      },
    );
  return { host, server, location, run };
}

/** All that lies in the staging directories: plans and files. */
const staged = ({ stagingDirectories }: Host) => stagingDirectories.flatMap((directory) => readdirSync(directory));

test('a location that was removed is not made again to look for the backup in it', async (t) => {
  const { host, location, run } = await rig(t);
  const record = await storePart(host);
  rmSync(location, { recursive: true });
  for (const phase of ['confirm', 'commit'] as const) {
    const { state, report } = await run({ ...commitOf(record), phase });
    t.is(state, 'TASK_FAILED');
    t.is(report.errors[0]?.code, 'STORAGE_FAILED');
  }
  t.false(existsSync(location));
  t.is((await run({ phase: 'backup' })).state, 'TASK_FINISHED');
});

test('a cleanup removes what is staged while Cassandra is down and the location is away, and says what stays', async (t) => {
  const { host, server, location, run } = await rig(t);
  await backUp(host);
  const restore = { type: 'RESTORE', jobUuid: 'restore-1', sourceExecutorId: EXECUTOR_ID } as const;
  await nodeStage(host.context({ ...restore, phase: 'stage' }));
  t.true(staged(host).length > 0);
  rmSync(location, { recursive: true });
  server.die('exit code 137');
  host.node.before = () => {
    throw new OperatorError('CASSANDRA_UNAVAILABLE', 'connection refused');
  };
  const { state, report } = await run({ ...restore, phase: 'cleanup', removeStaging: true });
  t.is(state, 'TASK_FAILED');
  t.like(report.errors[0], {
    code: 'CASSANDRA_UNAVAILABLE',
    message: 'clear snapshot cassandra-mesos-monday-restore-1: connection refused',
  });
  t.deepEqual(staged(host), []);
});

test('what was handed over to a Cassandra that is down stays staged until it can be loaded', async (t) => {
  const { host, run } = await rig(t);
  await backUp(host);
  const restore = { type: 'RESTORE', jobUuid: 'restore-1', sourceExecutorId: EXECUTOR_ID } as const;
  await nodeStage(host.context({ ...restore, phase: 'stage' }));
  host.node.before = (operation) => {
    if (operation === 'loadNewSSTables') throw new OperatorError('CASSANDRA_UNAVAILABLE', 'connection refused');
  };
  await t.throwsAsync(nodeLoad(host.context({ ...restore, phase: 'load' })));
  const before = staged(host);
  const cleanup = { ...restore, phase: 'cleanup', removeStaging: true } as const;
  t.is((await run(cleanup)).report.errors[0]?.code, 'CASSANDRA_UNAVAILABLE');
  t.deepEqual(staged(host), before);
  host.node.before = () => undefined;
  t.is((await run(cleanup)).state, 'TASK_FINISHED');
  t.deepEqual(staged(host), []);
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'ada']);
});

test('what was staged is loaded and verified, although the location is away since', async (t) => {
  const { host, location, run } = await rig(t);
  await backUp(host);
  const restore = { type: 'RESTORE', jobUuid: 'restore-1', sourceExecutorId: EXECUTOR_ID, scheduler: 'one' } as const;
  await nodeStage(host.context({ ...restore, phase: 'stage' }));
  await host.node.truncate('shop', 'users');
  rmSync(location, { recursive: true });
  for (const phase of ['load', 'verify'] as const) {
    const { state, message } = await run({ ...restore, phase });
    t.is(state, 'TASK_FINISHED', message);
  }
  t.deepEqual(staged(host), ['restore-1.json']);
  t.false(existsSync(location));
});
