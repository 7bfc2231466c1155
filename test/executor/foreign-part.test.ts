import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { foreignFolder, storeForeign } from '../helpers/foreign-tree.ts';
import { runStepAt } from '../helpers/run-step-at.ts';
import { backUp, makeHost, manifestOf } from '../helpers/step-context.ts';
import { adopt, hostWithForeign } from './adoption.ts';

const VERSIONS = {
  'shop-users-ka-1-Data.db': /version ka \(Cassandra 2\.1\) cannot be read.*restore them into such a cluster/,
  'la-1-big-Data.db': /version la \(Cassandra 2\.2\)/,
  'pa-1-big-Data.db': /version pa .* cannot be read by the older Cassandra 5\.0\.5: .*\. Upgrade/,
};
for (const [name, message] of Object.entries(VERSIONS)) {
  test(`SSTables such as ${name} are refused before anything is written`, async (t) => {
    const host = await hostWithForeign(t);
    writeFileSync(join(host.folder, name), 'old');
    await t.throwsAsync(adopt(host), { code: 'SCHEMA_MISMATCH', message });
    t.false(existsSync(join(host.root, 'backup', 'dev')));
  });
}

test('a node that has nothing there is told which executors have', async (t) => {
  const host = await hostWithForeign(t, { executorId: 'cassandra.dev.node.7.executor' });
  const error = await t.throwsAsync(adopt(host), { code: 'BACKUP_NOT_FOUND' });
  t.regex(error?.message ?? '', /there is only cassandra\.dev\/cassandra\.dev\.node\.7\.executor/);
  await t.throwsAsync(adopt(host, { adoptFrom: 'elsewhere' }), { code: 'BACKUP_NOT_FOUND', message: /there is none/ });
});

test('a backup of ours in the folder of another cluster is not adopted', async (t) => {
  const host = await hostWithForeign(t);
  await backUp(host, { cluster: 'other', backupName: 'tuesday' });
  await t.throwsAsync(adopt(host, { backupName: 'tuesday', adoptFrom: 'other' }), {
    code: 'BAD_REQUEST',
    message: /cassandra-mesos made it/,
  });
});

test('the folder of the cluster is looked at when there is none of the framework, and one that is named alone', async (t) => {
  const host = await hostWithForeign(t, { framework: 'dev' });
  storeForeign(host, [host.node.write('shop', 'users', 'cy')], { framework: 'moved', name: 'friday' });
  await adopt(host);
  t.is((await manifestOf(host)).adoptedFrom, 'dev');
  await t.throwsAsync(adopt(host, { backupName: 'friday' }), { code: 'BACKUP_NOT_FOUND' });
  await adopt(host, { backupName: 'friday', adoptFrom: 'moved' });
  t.is((await manifestOf(host, 'friday')).adoptedFrom, 'moved');
});

test('system keyspaces are left alone, and a tree of nothing else is refused', async (t) => {
  const host = await hostWithForeign(t);
  const parent = join(foreignFolder(host, 'shop', 'users'), '..', '..');
  renameSync(join(parent, 'shop'), join(parent, 'system_auth'));
  await t.throwsAsync(adopt(host), { code: 'NOTHING_TO_BACK_UP' });
});

test('an adoption makes no location that is not there', async (t) => {
  const host = await makeHost(t);
  const location = join(host.root, 'nowhere');
  const { state, message } = await runStepAt(location, { type: 'ADOPT', phase: 'backup' });
  t.is(state, 'TASK_FAILED');
  t.regex(message, /nowhere/);
  t.false(existsSync(location));
});
