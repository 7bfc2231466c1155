import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { nodeDelete } from '../../src/executor/node-delete.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { nodeSweep } from '../../src/executor/node-sweep.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { recordKey } from '../../src/storage/layout.ts';
import { sha256Of } from '../../src/storage/manifest.ts';
import { renameExecutor } from '../../src/storage/rename-executor.ts';
import { commitOf, EXECUTOR_ID, makeHost, manifestOf, storePart, type Host } from '../helpers/step-context.ts';
import { openAt, startVersitygw, VERSITYGW, type S3Server } from '../storage/versitygw.ts';
import { increment, liveFiles, restore, rewrite } from './increments.ts';

let server: S3Server;
const directory = mkdtempSync(join(tmpdir(), 'take-over-'));

anyTest.before(async () => {
  if (VERSITYGW !== null) server = await startVersitygw(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const FOLDER = `dev/${EXECUTOR_ID}/monday/`;
const SECOND = { jobUuid: 'job-2', resume: true };

/** A partial backup of a keyspace with two tables; at the location of `open`, by default a directory. */
async function partial(t: ExecutionContext, open?: (host: Host) => Promise<Host['storage']>): Promise<Host> {
  const host = await makeHost(t);
  if (open !== undefined) host.storage = await open(host);
  for (const table of ['users', 'orders']) {
    host.node.createTable('shop', table);
    host.node.write('shop', table, `rows of ${table}`);
  }
  const part = await storePart(host);
  const missing = [{ executorId: EXECUTOR_ID, keyspace: 'other', reason: 'it was corrupt' }];
  // Later backups are told by the time at which this one ended.
  const record: BackupRecord = { ...part, finished: Date.now(), result: 'PARTIAL', missing };
  await nodeCommit(host.context(commitOf(record)));
  return host;
}

/** Something of one table is lost at the location, and something of the other has become another on the node: so the keyspace is stored anew. */
async function spoil(host: Host): Promise<void> {
  const { files } = await manifestOf(host);
  const lost = files.find(({ path }) => /orders\/.*-Data\.db$/.test(path))!;
  await host.storage.delete(lost.source ?? FOLDER + lost.path);
  // As Cassandra does where a repair marks an SSTable.
  for (const path of liveFiles(host, 'Statistics.db')) {
    if (path.includes('/users-')) rewrite(path, 'statistics of a later day!!!');
  }
}

async function stageUsers(host: Host, backupName: string): Promise<void> {
  const request = {
    type: 'RESTORE',
    jobUuid: `restore-${backupName}`,
    backupName,
    tables: ['shop.users'],
  } satisfies Partial<StepRequest>;
  await nodeCheck(host.context({ ...request, phase: 'check' }));
  await nodeStage(host.context({ ...request, phase: 'stage', sourceExecutorId: EXECUTOR_ID }));
}

async function commitWhole(host: Host): Promise<void> {
  const replaces = sha256Of((await host.storage.getDocument(recordKey('dev', 'monday'))) ?? '');
  const record = await storePart(host, SECOND);
  await nodeCommit(host.context({ ...SECOND, ...commitOf(record), replaces }));
}

anyTest('what of a damaged keyspace is whole can be restored until the resumed backup is committed', async (t) => {
  const host = await partial(t);
  await spoil(host);
  await storePart(host, SECOND);
  // The job ended here.
  await t.notThrowsAsync(stageUsers(host, 'monday'));
  await commitWhole(host);
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('shop', 'orders'), ['rows of orders']);
});

const test = VERSITYGW === null ? anyTest.skip : anyTest;
const inS3 = (host: Host) => openAt(server, host.pool);

test('a resumed backup stores over no object that a later backup refers to', async (t) => {
  const host = await partial(t, inS3);
  await increment(host, 'tuesday');
  t.true((await manifestOf(host, 'tuesday')).files.every(({ source }) => source?.startsWith(FOLDER)));
  await spoil(host);
  await commitWhole(host);
  await t.notThrowsAsync(stageUsers(host, 'tuesday'));
  await nodeSweep(host.context({ type: 'SWEEP', phase: 'sweep', graceMs: 0 }));
  await t.notThrowsAsync(stageUsers(host, 'tuesday'));
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('shop', 'users'), ['rows of users']);
});

test('what the present record of a resumed backup needs is kept until it is replaced', async (t) => {
  const host = await makeHost(t);
  host.storage = await inS3(host);
  for (const table of ['users', 'orders']) {
    host.node.createTable('shop', table);
    host.node.write('shop', table, `rows of ${table}`);
  }
  await increment(host, 'sunday');
  const part = await storePart(host);
  t.true((await manifestOf(host)).files.every(({ source }) => source?.includes('/sunday/')));
  const missing = [{ executorId: EXECUTOR_ID, keyspace: 'other', reason: 'it was corrupt' }];
  await nodeCommit(host.context(commitOf({ ...part, finished: Date.now(), result: 'PARTIAL', missing })));
  await spoil(host);
  await storePart(host, SECOND);
  // The job ended here.
  const renaming = { cluster: 'dev', from: EXECUTOR_ID, to: 'cassandra.dev.node.7.executor', names: ['sunday'] };
  await t.throwsAsync(renameExecutor(host.storage, renaming), { code: 'BACKUP_INCOMPLETE' });
  const remove = { type: 'DELETE', phase: 'delete', jobUuid: 'deletion', backupName: 'sunday', force: true } as const;
  await nodeDelete(host.context(remove));
  await t.notThrowsAsync(stageUsers(host, 'monday'));
});
