import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { commitOf, EXECUTOR_ID, makeHost, storePart, type Host } from '../helpers/step-context.ts';

const RECORD = 'dev/backups/monday.json';

async function nodeWithTable(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  return host;
}

test('the record is written once, and another one under its name is refused', async (t) => {
  const host = await nodeWithTable(t);
  const record = await storePart(host);
  const step = commitOf(record);
  await nodeCommit(host.context(step));
  await nodeCommit(host.context(step));
  t.is(await host.storage.getDocument(RECORD), step.record);
  const other = commitOf({ ...record, finished: 3 });
  for (const change of [other, { ...other, record: null }]) {
    await t.throwsAsync(nodeCommit(host.context(change)), { code: 'NAME_TAKEN' });
  }
});

test('a node that sees the record of another one is done; one that does not says that it needs it', async (t) => {
  const host = await nodeWithTable(t);
  const step = commitOf(await storePart(host));
  const look = { ...step, record: null };
  const error = await t.throwsAsync(nodeCommit(host.context(look)), { code: 'RECORD_MISSING' });
  t.true(error instanceof OperatorError && error.retryable);
  t.is(await host.storage.getDocument(RECORD), null);
  await nodeCommit(host.context(step));
  await t.notThrowsAsync(nodeCommit(host.context(look)));
});

for (const [how, change] of [
  ['written', {}],
  ['taken as written', { record: null }],
] as const) {
  test(`no record is ${how} over a part that has gone since it was confirmed`, async (t) => {
    const host = await nodeWithTable(t);
    const step = commitOf(await storePart(host));
    rmSync(join(host.root, 'backup', 'dev', EXECUTOR_ID), { recursive: true });
    await t.throwsAsync(nodeCommit(host.context({ ...step, ...change })), { code: 'BACKUP_DAMAGED' });
    t.is(await host.storage.getDocument(RECORD), null);
  });
}
