import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeConfirm } from '../../src/executor/node-confirm.ts';
import { openStorage } from '../../src/storage/open.ts';
import { EXECUTOR_ID, makeHost, ownPart, storePart, type Host } from '../helpers/step-context.ts';

const OTHER_ID = 'cassandra.dev.node.1.executor';

async function nodeWithData(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  return host;
}

const partOf = ({ root }: Host) => join(root, 'backup', 'dev', EXECUTOR_ID, 'monday');

test('a part that is whole is confirmed', async (t) => {
  const host = await nodeWithData(t);
  const own = ownPart(await storePart(host));
  await t.notThrowsAsync(nodeConfirm(host.context({ phase: 'confirm', ...own })));
});

test('a node whose part was removed with the directory cannot confirm it, the one that came later can', async (t) => {
  const host = await nodeWithData(t);
  const first = await storePart(host);
  rmSync(join(host.root, 'backup'), { recursive: true });
  host.storage = await openStorage(join(host.root, 'backup'), {
    pool: host.pool,
    baseDirectory: host.root,
    create: true,
  });
  const second = await storePart(host, { executorId: OTHER_ID });
  await t.throwsAsync(nodeConfirm(host.context({ phase: 'confirm', ...ownPart(first) })), {
    code: 'BACKUP_DAMAGED',
    message: /node\.0\.executor\/monday\/manifest\.json, but it is missing/,
  });
  const other = { executorId: OTHER_ID, ...ownPart(second, OTHER_ID) };
  await t.notThrowsAsync(nodeConfirm(host.context({ phase: 'confirm', ...other })));
});

for (const [what, damage, message] of [
  ['is missing', (path: string) => rmSync(path), /nb-1-big-Data\.db is missing/],
  ['was cut short', (path: string) => truncateSync(path, 1), /nb-1-big-Data\.db has 1 bytes instead of 3/],
] as const) {
  test(`a part of which a file ${what} is not confirmed`, async (t) => {
    const host = await nodeWithData(t);
    const own = ownPart(await storePart(host));
    damage(join(partOf(host), 'shop', 'users', 'nb-1-big-Data.db'));
    await t.throwsAsync(nodeConfirm(host.context({ phase: 'confirm', ...own })), { code: 'BACKUP_DAMAGED', message });
  });
}

test('a part with another manifest than the record names is not confirmed', async (t) => {
  const host = await nodeWithData(t);
  const own = ownPart(await storePart(host));
  await host.storage.putDocument(`dev/${EXECUTOR_ID}/monday/manifest.json`, '{}');
  await t.throwsAsync(nodeConfirm(host.context({ phase: 'confirm', ...own })), {
    code: 'BACKUP_DAMAGED',
    message: /expected sha256 [0-9a-f]{64} as in the record/,
  });
});
