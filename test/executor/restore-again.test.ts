import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeLoad } from '../../src/executor/node-load.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { nodeTruncate } from '../../src/executor/node-truncate.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { backUp, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';
import { restore } from './increments.ts';

const ROWS = ['row 0', 'row 1', 'row 2', 'row 3', 'row 4'];
const FAILED = { type: 'RESTORE', jobUuid: 'restore-that-failed', sourceExecutorId: EXECUTOR_ID } as const;
const request = (change: Partial<StepRequest>): Partial<StepRequest> => ({ ...FAILED, ...change });

async function backedUp(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  for (const keyspace of ['first', 'second']) {
    host.node.createTable(keyspace, 'users');
    for (const row of ROWS) host.node.write(keyspace, 'users', row);
  }
  await backUp(host);
  return host;
}

/** Staged files with their inodes. */
function staged({ stagingDirectories: [root = ''] }: Host): Map<string, number> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\/nb-[^/]+$/.test(name));
  return new Map(files.map((name) => [name, lstatSync(join(root, name)).ino]));
}

async function isWhole(t: ExecutionContext, host: Host): Promise<void> {
  await restore(host, 'monday');
  for (const keyspace of ['first', 'second']) t.deepEqual(host.node.rows(keyspace, 'users'), ROWS);
}

test('a restore that failed while it staged is started again and uses what is staged', async (t) => {
  const host = await backedUp(t);
  await nodeCheck(host.context(request({ phase: 'check' })));
  const getFile = host.storage.getFile.bind(host.storage);
  let fetched = 0;
  host.storage.getFile = (...args) =>
    ++fetched > 20 ? Promise.reject(new OperatorError('TIMEOUT', 'gone')) : getFile(...args);
  await t.throwsAsync(nodeStage(host.context(request({ phase: 'stage' }))), { code: 'TIMEOUT' });
  host.storage.getFile = getFile;
  const before = staged(host);
  t.true(before.size > 0 && before.size < 40, `${before.size} of 40`);

  const next = { ...request({ phase: 'stage' }), jobUuid: 'the-next-restore' };
  await nodeStage(host.context(next));
  const after = staged(host);
  t.is(after.size, 40);
  for (const [name, inode] of before) t.is(after.get(name), inode, `${name} was fetched again`);
  await isWhole(t, host);
});

test('a restore that failed while it loaded, the tables being empty already, is started again and brings every row once', async (t) => {
  for (const failing of [1, 2]) {
    const host = await backedUp(t);
    await nodeCheck(host.context(request({ phase: 'check' })));
    await nodeStage(host.context(request({ phase: 'stage' })));
    const truncateTables = ['first.users', 'second.users'];
    await nodeTruncate(host.context(request({ phase: 'truncate', truncateTables })));
    let loads = 0;
    host.node.before = (operation) => {
      if (operation === 'loadNewSSTables' && ++loads === failing)
        throw new OperatorError('CASSANDRA_UNAVAILABLE', 'died');
    };
    await t.throwsAsync(nodeLoad(host.context(request({ phase: 'load' }))), { code: 'CASSANDRA_UNAVAILABLE' });
    host.node.before = () => undefined;
    await isWhole(t, host);
  }
});
