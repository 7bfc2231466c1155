import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import { stringifyRecord } from '../../src/storage/manifest.ts';
import { column } from '../helpers/directory-node.ts';
import { backUp, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';

const CHECK = { type: 'RESTORE', jobUuid: 'restore-1', phase: 'check' } as const;
const FILE = join('backup', 'dev', EXECUTOR_ID, 'monday', 'shop', 'users', 'nb-1-big-Data.db');

async function backedUpHost(t: ExecutionContext): Promise<Host & { record: BackupRecord }> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  return { ...host, record: await backUp(host) };
}

async function refuses(t: ExecutionContext, host: Host, code: string, message: RegExp): Promise<void> {
  await t.throwsAsync(nodeCheck(host.context(CHECK)), { code, message });
  t.deepEqual(host.node.rows('shop', 'users'), ['ada']);
}

test('a check says what is to be restored and what room it needs', async (t) => {
  const host = await backedUpHost(t);
  const context = host.context(CHECK);
  await nodeCheck(context);
  const { check } = context.reporter.report;
  t.like(check, { sourceExecutorId: EXECUTOR_ID, tables: ['shop.users'], backupNodes: [EXECUTOR_ID] });
  t.true((check?.bytesNeeded ?? 0) > 0);
  t.true((check?.bytesFree ?? 0) > (check?.bytesNeeded ?? 0));
});

test('a backup that does not exist is not found', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await refuses(t, host, 'BACKUP_NOT_FOUND', /there is no backup monday/);
});

test('a backup without its record is incomplete', async (t) => {
  const host = await backedUpHost(t);
  rmSync(join(host.root, 'backup', 'dev', 'backups', 'monday.json'));
  await refuses(t, host, 'BACKUP_INCOMPLETE', /backups\/monday\.json was never written/);
});

test('a record that is no record is damage', async (t) => {
  const host = await backedUpHost(t);
  writeFileSync(join(host.root, 'backup', 'dev', 'backups', 'monday.json'), '{"version":1}');
  await refuses(t, host, 'BACKUP_DAMAGED', /dev\/backups\/monday\.json is damaged/);
});

test('a manifest that is not the one of the record is damage', async (t) => {
  const host = await backedUpHost(t);
  appendFileSync(join(host.root, 'backup', 'dev', EXECUTOR_ID, 'monday', 'manifest.json'), ' ');
  await refuses(t, host, 'BACKUP_DAMAGED', /manifest\.json is damaged: expected sha256/);
});

test('a missing file is damage, with its name', async (t) => {
  const host = await backedUpHost(t);
  rmSync(join(host.root, FILE));
  await refuses(t, host, 'BACKUP_DAMAGED', /1 of 4 files .*users\/nb-1-big-Data\.db is missing/);
});

test('a file that was cut short is damage, with its sizes', async (t) => {
  const host = await backedUpHost(t);
  writeFileSync(join(host.root, FILE), 'a');
  await refuses(t, host, 'BACKUP_DAMAGED', /nb-1-big-Data\.db has 1 bytes instead of 3/);
});

test('a file with other content of the same size is found when it is staged', async (t) => {
  const host = await backedUpHost(t);
  writeFileSync(join(host.root, FILE), 'adA');
  await nodeCheck(host.context(CHECK));
  await t.throwsAsync(nodeStage(host.context({ ...CHECK, phase: 'stage', sourceExecutorId: EXECUTOR_ID })), {
    code: 'BACKUP_DAMAGED',
    message: /nb-1-big-Data\.db/,
  });
});

test('a file that the manifest does not name is no damage', async (t) => {
  const host = await backedUpHost(t);
  writeFileSync(join(host.root, `${FILE}.left-over`), 'x');
  await t.notThrowsAsync(nodeCheck(host.context(CHECK)));
});

test('a partial backup is refused unless only whole keyspaces are asked for', async (t) => {
  const host = await backedUpHost(t);
  const missing = [{ executorId: 'node.1', keyspace: 'log', reason: 'SSTable is corrupt' }];
  const record = stringifyRecord({ ...host.record, result: 'PARTIAL', missing });
  writeFileSync(join(host.root, 'backup', 'dev', 'backups', 'monday.json'), record);
  await refuses(t, host, 'BACKUP_INCOMPLETE', /log of node\.1 \(SSTable is corrupt\)/);
  await t.notThrowsAsync(nodeCheck(host.context({ ...CHECK, keyspaces: ['shop'] })));
});

test('a keyspace that the backup does not hold is refused by name', async (t) => {
  const host = await backedUpHost(t);
  const context = host.context({ ...CHECK, keyspaces: ['shop', 'nowhere'] });
  await t.throwsAsync(nodeCheck(context), { code: 'BACKUP_INCOMPLETE', message: /does not hold nowhere/ });
});

test('a node with other tokens is refused', async (t) => {
  const host = await backedUpHost(t);
  host.node.state.tokens = ['7'];
  await refuses(t, host, 'TOPOLOGY_MISMATCH', /has the tokens 7, but in the backup .* has -100, 200/);
});

test('a ring that is not at rest is refused', async (t) => {
  const host = await backedUpHost(t);
  host.node.state.unreachableNodes = ['127.0.0.2'];
  host.node.state.movingNodes = ['127.0.0.3'];
  await refuses(t, host, 'NODE_DOWN', /cannot reach 127\.0\.0\.2; 127\.0\.0\.3 joins, leaves or moves/);
});

test('a backup of a newer Cassandra is refused, one of an older is not', async (t) => {
  const host = await backedUpHost(t);
  host.node.state.version = '6.0.0';
  await t.notThrowsAsync(nodeCheck(host.context(CHECK)));
  host.node.state.version = '4.1.9';
  await refuses(t, host, 'SCHEMA_MISMATCH', /Cassandra 4\.1\.9 cannot read SSTables of the newer 5\.0\.5/);
});

test('another partitioner is refused', async (t) => {
  const host = await backedUpHost(t);
  host.node.state.partitioner = 'RandomPartitioner';
  await refuses(t, host, 'TOPOLOGY_MISMATCH', /RandomPartitioner/);
});

test('a table that cannot take the backup is refused', async (t) => {
  const host = await backedUpHost(t);
  const [table] = host.node.schemaNow.tables;
  if (table) table.columns = [column('id', { type: 'int' })];
  await refuses(t, host, 'SCHEMA_MISMATCH', /column id of shop\.users is int here, but text in the backup/);
});
