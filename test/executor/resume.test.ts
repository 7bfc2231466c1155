import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { OperatorError, type ErrorCode } from '../../src/errors.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { Reporter } from '../../src/executor/report.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { sha256Of } from '../../src/storage/manifest.ts';
import { commitOf, EXECUTOR_ID, makeHost, manifestOf, storePart, type Host } from '../helpers/step-context.ts';
import { inodeOf, restore, stored } from './increments.ts';

const FIRST = { jobUuid: 'job-1' };
const SECOND = { jobUuid: 'job-2', resume: true };

/** A node with two keyspaces of one SSTable each. */
async function hostWithTwo(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  for (const keyspace of ['first', 'second']) {
    host.node.createTable(keyspace, 'users');
    host.node.write(keyspace, 'users', `rows of ${keyspace}`);
  }
  return host;
}

/** A backup that is ended when the second keyspace has its turn. */
async function interrupted(t: ExecutionContext): Promise<Host> {
  const host = await hostWithTwo(t);
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'second') throw new OperatorError('ABORTED', 'killed');
  };
  await t.throwsAsync(nodeBackup(host.context(FIRST)), { message: 'killed' });
  host.node.before = () => undefined;
  return host;
}

/** The first job's backup, which lacks the second keyspace because its SSTable is corrupt; its record says so. */
async function partial(t: ExecutionContext): Promise<Host & { record: BackupRecord }> {
  const host = await hostWithTwo(t);
  const data = join(host.node.dataDirectories[0] ?? '', 'second');
  const path = readdirSync(data, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('Digest.crc32'));
  const good = readFileSync(join(data, path ?? ''), 'utf8');
  writeFileSync(join(data, path ?? ''), '1');
  const part = await storePart(host, FIRST);
  writeFileSync(join(data, path ?? ''), good);
  const missing = [{ executorId: EXECUTOR_ID, keyspace: 'second', reason: 'corrupt' }];
  const record: BackupRecord = { ...part, result: 'PARTIAL', missing };
  await nodeCommit(host.context({ ...FIRST, ...commitOf(record) }));
  return Object.assign(host, { record });
}

/** Does the backup step of the job that resumes, and says what it reports. */
async function resume(host: Host, change: Partial<StepRequest> = {}) {
  const context = host.context({ ...SECOND, ...change });
  await nodeBackup(context);
  return context.reporter.report;
}

async function commit(host: Host, record: BackupRecord, replaces?: string): Promise<void> {
  await nodeCommit(host.context({ ...SECOND, ...commitOf(record), ...(replaces === undefined ? {} : { replaces }) }));
}

/** The record after a resume in which nothing was missing. */
async function wholeRecord(host: Host): Promise<BackupRecord> {
  return storePart(host, SECOND);
}

const DATA = (keyspace: string): string => `${keyspace}/users/nb-${keyspace === 'first' ? 1 : 2}-big-Data.db`;
const recordText = (host: Host): string => readFileSync(join(host.root, 'backup/dev/backups/monday.json'), 'utf8');

async function rejects(t: ExecutionContext, code: ErrorCode, act: Promise<unknown>): Promise<OperatorError> {
  const error = await t.throwsAsync(act, { instanceOf: OperatorError });
  t.is(error.code, code, error.message);
  return error;
}

test('a resumed backup keeps the keyspaces that are whole and sends the rest', async (t) => {
  const host = await interrupted(t);
  const kept = inodeOf(stored(host, 'monday', DATA('first')));
  const report = await resume(host);
  t.is(inodeOf(stored(host, 'monday', DATA('first'))), kept);
  t.false(
    host.node.calls
      .filter((call) => call.startsWith('takeSnapshot'))
      .at(-1)
      ?.includes(' first'),
  );
  const manifest = await manifestOf(host);
  t.deepEqual(manifest.keyspaces, ['first', 'second']);
  t.is(manifest.jobUuid, 'job-2');
  const sizes = (keyspace: string) =>
    manifest.files.filter(({ path }) => path.startsWith(`${keyspace}/`)).reduce((sum, { size }) => sum + size, 0);
  t.like(report, { bytesSent: sizes('second'), bytesDone: sizes('first') + sizes('second'), filesSent: 4 });
  t.is(manifest.bytesSent, sizes('first') + sizes('second'), 'the manifest counts what all of its jobs have sent');
  t.deepEqual(report.resumed, { origin: 'job-1', recordSha256: null });
  await commit(host, await wholeRecord(host));
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('first', 'users'), ['rows of first']);
  t.deepEqual(host.node.rows('second', 'users'), ['rows of second']);
});

test('files of a keyspace that was cut short are not sent again', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  for (let sstable = 0; sstable < 4; sstable += 1) host.node.write('shop', 'users', 'x'.repeat(9000 + sstable));
  const kill = new AbortController();
  let stored = 0;
  class Killing extends Reporter {
    override filesDone(...args: Parameters<Reporter['filesDone']>): void {
      super.filesDone(...args);
      stored += 1;
      if (stored === 6) kill.abort(new OperatorError('ABORTED', 'killed'));
    }
  }
  const reporter = new Killing(EXECUTOR_ID, systemClock);
  await t.throwsAsync(nodeBackup(host.context(FIRST, { reporter, signal: kill.signal })), { message: 'killed' });
  const report = await resume(host);
  t.true((report.filesSent ?? 0) <= 16 - 6, `${report.filesSent} of 16`);
  t.true((report.filesSent ?? 0) > 0);
  t.is((await manifestOf(host)).files.length, 16);
});

test('a part that is whole stays as it is, with the manifest of the job that stored it', async (t) => {
  const host = await hostWithTwo(t);
  const before = await storePart(host, FIRST);
  const snapshots = host.node.calls.length;
  const report = await resume(host);
  t.is(report.manifest?.sha256, before.nodes[0]?.manifestSha256);
  t.is((await manifestOf(host)).jobUuid, 'job-1');
  t.like(report, { bytesSent: 0, filesSent: 0, remainingKeyspaces: [] });
  t.deepEqual(Object.keys(report.keyspaces), ['first', 'second']);
  t.false(host.node.calls.slice(snapshots).some((call) => call.startsWith('takeSnapshot')));
  await commit(host, { ...before, jobUuid: 'job-2' });
  t.is(JSON.parse(recordText(host)).jobUuid, 'job-2');
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('second', 'users'), ['rows of second']);
});

test('without resume the name stays taken, and a whole backup is not resumed', async (t) => {
  const host = await interrupted(t);
  await rejects(t, 'NAME_TAKEN', nodeBackup(host.context({ jobUuid: 'job-2' })));
  await commit(host, await wholeRecord(host));
  const error = await rejects(t, 'NAME_TAKEN', resume(host, { jobUuid: 'job-3' }));
  t.regex(error.message, /nothing is missing/);
});

test('a node that had nothing yet begins anew', async (t) => {
  const host = await hostWithTwo(t);
  const report = await resume(host);
  t.deepEqual(report.resumed, { origin: null, recordSha256: null });
  t.is(report.filesSent, 8);
});

test('a resume that was cut short itself is resumed, also where it had reached only other nodes than the job before', async (t) => {
  const host = await hostWithTwo(t);
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'second') throw new OperatorError('ABORTED', 'killed');
  };
  const second = host.context({ ...SECOND, resumes: ['job-1'] });
  await t.throwsAsync(nodeBackup(second), { message: 'killed' });
  t.is(second.reporter.report.resumed?.origin, 'job-1', 'where it began anew it is the same backup');
  host.node.before = () => undefined;
  const report = await resume(host, { jobUuid: 'job-3', resumes: ['job-1', 'job-2'] });
  t.like(report, { filesSent: 4, resumed: { origin: 'job-1', recordSha256: null } });
  t.is((await manifestOf(host)).filesSent, 8);
});

test('files that somebody has removed meanwhile are sent again', async (t) => {
  const host = await interrupted(t);
  rmSync(stored(host, 'monday', DATA('first')));
  await resume(host);
  t.true(existsSync(stored(host, 'monday', DATA('first'))));
  await commit(host, await wholeRecord(host));
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('first', 'users'), ['rows of first']);
});

test('of a table that was dropped and made again meanwhile, what it holds now is stored', async (t) => {
  const host = await interrupted(t);
  const { schemaNow } = host.node;
  schemaNow.tables = schemaNow.tables.filter(({ keyspace }) => keyspace !== 'first');
  host.node.restart();
  host.node.createTable('first', 'users');
  host.node.write('first', 'users', 'new rows');
  await resume(host);
  const { files, tables } = await manifestOf(host);
  t.is(tables.find(({ keyspace }) => keyspace === 'first')?.id, schemaNow.tables.at(-1)?.id);
  const data = files.filter(({ path }) => path.startsWith('first/') && path.endsWith('-Data.db'));
  t.deepEqual(
    data.map(({ path }) => readFileSync(stored(host, 'monday', path), 'utf8')),
    ['new rows'],
  );
});

test('a partial backup can be restored as before until its new record is there, and then as a whole', async (t) => {
  const host = await partial(t);
  const before = recordText(host);
  const report = await resume(host);
  t.deepEqual(report.resumed, { origin: 'job-1', recordSha256: sha256Of(before) });
  t.is(recordText(host), before);
  // The job that resumes was aborted here.
  const check = host.context({ type: 'RESTORE', phase: 'check', jobUuid: 'restore', keyspaces: ['first'] });
  await nodeCheck(check);
  t.deepEqual(check.reporter.report.check?.tables, ['first.users']);

  await commit(host, await wholeRecord(host), sha256Of(before));
  t.like(JSON.parse(recordText(host)), { jobUuid: 'job-2', result: 'SUCCESS', missing: [] });
  const folder = join(host.root, 'backup/dev', EXECUTOR_ID, 'monday');
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('manifest')),
    ['manifest.json'],
  );
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('first', 'users'), ['rows of first']);
  t.deepEqual(host.node.rows('second', 'users'), ['rows of second']);
});

test('what a partial backup holds is not stored over: with other tables it cannot be resumed', async (t) => {
  for (const [name, change] of [
    ['a new table', {}],
    ['another choice of tables', { keyspaces: ['second'], tables: ['first.others'] }],
  ] as const) {
    const host = await partial(t);
    host.node.createTable('first', 'others');
    const before = readFileSync(stored(host, 'monday', 'manifest.json'), 'utf8');
    const error = await rejects(t, 'SCHEMA_MISMATCH', resume(host, change as Partial<StepRequest>));
    t.regex(error.message, /keyspace first/, name);
    t.is(readFileSync(stored(host, 'monday', 'manifest.json'), 'utf8'), before);
  }
});

test('a record takes the place only of the one that was seen, and only when it has all of its nodes', async (t) => {
  const host = await partial(t);
  const before = recordText(host);
  await resume(host);
  const record = await wholeRecord(host);
  await rejects(t, 'NAME_TAKEN', commit(host, record));
  await rejects(t, 'NAME_TAKEN', commit(host, record, sha256Of('the record of somebody else')));
  t.is(recordText(host), before);

  const other = { ...record.nodes[0]!, executorId: 'cassandra.dev.node.1.executor', tokens: ['7'] };
  const two = JSON.parse(before) as BackupRecord;
  two.nodes.push(other);
  const present = `${JSON.stringify(two, null, 1)}\n`;
  writeFileSync(join(host.root, 'backup/dev/backups/monday.json'), present);
  const error = await rejects(t, 'NAME_TAKEN', commit(host, record, sha256Of(present)));
  t.regex(error.message, /names nodes that the resumed backup lacks/);
  t.is(recordText(host), present);
  const replaced = { ...other, executorId: 'cassandra.dev.node.2.executor' };
  await commit(host, { ...record, nodes: [...record.nodes, replaced] }, sha256Of(present));
  t.is((JSON.parse(recordText(host)) as BackupRecord).nodes.length, 2, 'a replacement stands for who had its tokens');
});
