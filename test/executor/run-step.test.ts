import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { Reporter } from '../../src/executor/report.ts';
import { runStep, type StepOutcome } from '../../src/executor/run-step.ts';
import { createLogger } from '../../src/log.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { stringifyRecord } from '../../src/storage/manifest.ts';
import { openStorage } from '../../src/storage/open.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import { EXECUTOR_ID, makeHost, stepRequest, storePart, type Host } from '../helpers/step-context.ts';

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
        openStorage: (url, create) => openStorage(url, { pool: host.pool, baseDirectory: host.root, create }),
        pool: host.pool,
        hostname: 'localhost',
        clock: systemClock,
        log: createLogger('test', 'silent'),
      },
    );
  return { host, server, location, run };
}

test('a location that was removed is not made again to look for the backup in it', async (t) => {
  const { host, location, run } = await rig(t);
  const record = stringifyRecord(await storePart(host));
  rmSync(location, { recursive: true });
  for (const phase of ['confirm', 'commit'] as const) {
    const { state, report } = await run({ phase, record });
    t.is(state, 'TASK_FAILED');
    t.is(report.errors[0]?.code, 'STORAGE_FAILED');
  }
  t.false(existsSync(location));
  t.is((await run({ phase: 'backup' })).state, 'TASK_FINISHED');
});
