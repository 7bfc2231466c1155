import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { isRetryable } from '../../src/errors.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { Reporter } from '../../src/executor/report.ts';
import { runStep, type StepOutcome } from '../../src/executor/run-step.ts';
import { createLogger } from '../../src/log.ts';
import { openStorage } from '../../src/storage/open.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import type { Match } from '../helpers/fault-proxy.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { commitOf, EXECUTOR_ID, makeHost, stepRequest, storePart, type Host } from '../helpers/step-context.ts';
import { keyLine } from '../storage/coding/coded-place.ts';
import { answerHowFar } from '../storage/objects/cut-short.ts';
import { faultTest, type FaultPlace } from '../storage/objects/fault-place.ts';
import { restore } from './increments.ts';

const PART = 8 * 1024 ** 2;

/** A node with one SSTable whose Data.db has three parts, and a small component; `options` of its location, in which ROOT is its directory. */
async function hostAt(t: ExecutionContext, place: FaultPlace, options: string) {
  const host = await makeHost(t);
  writeFileSync(join(host.root, 'keys'), keyLine('2026-11'), { mode: 0o600 });
  const url = place.url + options.replace('ROOT', host.root);
  const { clock, memory, kind } = place;
  const how = { pool: host.pool, baseDirectory: host.root, clock, memory, env: kind.env, create: true };
  host.storage = await openStorage(url, how);
  place.proxy.forget();
  host.node.createTable('shop', 'users');
  const rows = randomBytes(PART + 1024 ** 2 / 2).toString('hex');
  const data = host.node.write('shop', 'users', rows);
  writeFileSync(join(dirname(data), 'nb-1-big-Statistics.db'), 'small');
  return { host, url, rows };
}

/** An attempt at the backup of this node, as an executor makes it. */
async function attempt(host: Host, place: FaultPlace, url: string, number: number): Promise<StepOutcome> {
  const { clock, memory, kind } = place;
  const { pool, node, root, stagingDirectories } = host;
  return runStep(
    stepRequest({ location: url, attempt: number }),
    { current: new DirectoryServer(node, stagingDirectories), ip: '127.0.0.1' },
    new Reporter(EXECUTOR_ID, clock),
    new AbortController().signal,
    {
      openStorage: (location, how) =>
        openStorage(location, { pool, baseDirectory: root, clock, memory, env: kind.env, ...how }),
      pool,
      hostname: 'localhost',
      clock,
      log: createLogger('test', 'silent'),
    },
  );
}

for (const [what, options] of [
  ['a backup', ''],
  ['an encrypted backup', '&encryption=file:ROOT/keys'],
] as const) {
  faultTest(
    `${what} whose store goes away fails so that it is tried again, and goes on where it was`,
    async (t, place) => {
      const { kind, proxy } = place;
      const { host, url, rows } = await hostAt(t, place, options);
      const isLast: Match = (seen) => kind.asks.part(seen) && Number(seen.headers['content-length']) < PART;
      const busy = { answer: kind.says.busy(), before: () => proxy.answered(kind.asks.part, 2) };
      proxy.when(isLast, busy, { times: Infinity });
      const first = await attempt(host, place, url, 1);
      t.is(first.state, 'TASK_FAILED');
      const [error] = first.report.errors;
      t.is(error?.code, 'STORAGE_UNAVAILABLE');
      t.true(isRetryable(error?.code ?? ''), 'the scheduler tries it again');
      t.is(first.report.manifest, null);
      t.deepEqual(host.node.snapshots(), [], 'the snapshot is cleared');
      proxy.calm();
      proxy.forget();
      answerHowFar(place);
      t.is((await attempt(host, place, url, 2)).state, 'TASK_FINISHED');
      t.is(proxy.count(kind.asks.part), 1);
      const record = await storePart(host);
      await nodeCommit(host.context(commitOf(record)));
      t.deepEqual(await inspectBackup(host, host.storage, 'monday'), []);
      await restore(host, 'monday');
      t.deepEqual(host.node.rows('shop', 'users'), [rows]);
    },
  );
}
