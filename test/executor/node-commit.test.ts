import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { stringifyRecord } from '../../src/storage/manifest.ts';
import { EXECUTOR_ID, makeHost, storePart } from '../helpers/step-context.ts';

test('the record is written once, and another one under its name is refused', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const record = await storePart(host);
  const step = { phase: 'commit' as const, record: stringifyRecord(record) };
  await nodeCommit(host.context(step));
  await nodeCommit(host.context(step));
  t.is(await host.storage.getDocument('dev/backups/monday.json'), step.record);
  const other = { ...step, record: stringifyRecord({ ...record, finished: 3 }) };
  await t.throwsAsync(nodeCommit(host.context(other)), { code: 'NAME_TAKEN' });
});

test('no record is written over a part that has gone since it was confirmed', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const record = stringifyRecord(await storePart(host));
  rmSync(join(host.root, 'backup', 'dev', EXECUTOR_ID), { recursive: true });
  await t.throwsAsync(nodeCommit(host.context({ phase: 'commit', record })), { code: 'BACKUP_DAMAGED' });
  t.is(await host.storage.getDocument('dev/backups/monday.json'), null);
});
