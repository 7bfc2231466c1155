import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeSnapshot } from '../../src/executor/node-snapshot.ts';
import { makeHost, manifestOf } from '../helpers/step-context.ts';

test('a snapshot that was taken on all nodes together is the one that is stored, and is cleared after', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'before');
  await nodeSnapshot(host.context({ phase: 'snapshot' }));
  host.node.write('shop', 'users', 'after');
  await nodeBackup(host.context({ snapshotTaken: true }));
  t.deepEqual(
    (await manifestOf(host)).files.filter(({ path }) => path.endsWith('-Data.db')).map(({ path }) => path),
    ['shop/users/nb-1-big-Data.db'],
  );
  t.deepEqual(host.node.snapshots(), []);
});

test('the snapshot of all nodes together is kept for the next attempt when its copy fails', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'before');
  await nodeSnapshot(host.context({ phase: 'snapshot' }));
  host.node.write('shop', 'users', 'after');
  const putFile = host.storage.putFile.bind(host.storage);
  host.storage.putFile = () => Promise.reject(new OperatorError('TIMEOUT', 'the location does not answer'));
  await t.throwsAsync(nodeBackup(host.context({ snapshotTaken: true })), { code: 'TIMEOUT' });
  host.storage.putFile = putFile;
  await nodeBackup(host.context({ snapshotTaken: true, attempt: 2 }));
  t.is((await manifestOf(host)).files.filter(({ path }) => path.endsWith('-Data.db')).length, 1);
  t.deepEqual(host.node.snapshots(), []);
});

test('a snapshot of all nodes together that is gone is taken anew', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await nodeBackup(host.context({ snapshotTaken: true }));
  t.is((await manifestOf(host)).files.length, 4);
});

test('a keyspace that cannot be snapshotted is tried again, and left to the backup by the last attempt', async (t) => {
  const host = await makeHost(t);
  for (const keyspace of ['one', 'two']) host.node.createTable(keyspace, 't');
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'one') throw new OperatorError('SNAPSHOT_FAILED', 'no');
  };
  await t.throwsAsync(nodeSnapshot(host.context({ phase: 'snapshot' })), { code: 'SNAPSHOT_FAILED' });
  const last = host.context({ phase: 'snapshot', attempt: 3 });
  await nodeSnapshot(last);
  t.is(last.reporter.report.keyspaces['one']?.status, 'FAILURE');
  t.is(last.reporter.report.keyspaces['two']?.status, 'SUCCESS');
});
