import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { nodeLoad } from '../../src/executor/node-load.ts';
import { nodeStage } from '../../src/executor/node-stage.ts';
import { nodeTruncate } from '../../src/executor/node-truncate.ts';
import { nodeVerify } from '../../src/executor/node-verify.ts';
import type { ExecutionContext } from 'ava';
import type { StepRequest } from '../../src/model/step.ts';
import { commitOf, EXECUTOR_ID, makeHost, manifestOf, storePart, type Host } from '../helpers/step-context.ts';

/** How many files an SSTable of the directory node has. */
export const COMPONENTS = 4;

/** The one of hostWithData, as a manifest names it. */
export const DATA = 'shop/users/nb-1-big-Data.db';

export async function hostWithData(t: ExecutionContext, rows = 'ada'): Promise<Host & { data: string }> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  return Object.assign(host, { data: host.node.write('shop', 'users', rows) });
}

/** Backs the node up and writes the record; later names are later backups. Returns what of the manifest tells how it went. */
export async function increment(host: Host, backupName: string, change: Partial<StepRequest> = {}) {
  const request = { backupName, jobUuid: `job-${backupName}`, ...change };
  const record = { ...(await storePart(host, request)), finished: Date.now() };
  await nodeCommit(host.context({ ...request, ...commitOf(record) }));
  const { files, filesSent, bytesSent } = await manifestOf(host, backupName);
  return { files, filesSent, bytesSent, record };
}

/** Where a file of a backup lies. */
export function stored(host: Host, backupName: string, path: string): string {
  return join(host.root, 'backup', 'dev', EXECUTOR_ID, backupName, path);
}

/** Content of everything in a node backup's folder that its manifest names. */
export async function contentsOf(host: Host, backupName: string): Promise<Record<string, string>> {
  const { files } = await manifestOf(host, backupName);
  return Object.fromEntries(files.map(({ path }) => [path, readFileSync(stored(host, backupName, path), 'utf8')]));
}

export const inodeOf = (path: string): number => lstatSync(path).ino;
export const linksOf = (path: string): number => lstatSync(path).nlink;

/** As Cassandra changes a Statistics.db: a new file that takes the name of the old one. */
export function rewrite(path: string, content: string): void {
  writeFileSync(`${path}.tmp`, content);
  renameSync(`${path}.tmp`, path);
}

/** Files of live SSTables on the first disk, of one component or of all. */
export function liveFiles({ node }: Host, component = ''): string[] {
  const [root = ''] = node.dataDirectories;
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/nb-[^/]+$/.test(name) && !name.includes('/snapshots/') && name.endsWith(component))
    .map((name) => join(root, name));
}

/** All steps of a restore of the node. */
export async function restore(host: Host, backupName: string): Promise<void> {
  const request = {
    type: 'RESTORE',
    jobUuid: `restore-${backupName}`,
    sourceExecutorId: EXECUTOR_ID,
    backupName,
  } as const;
  const check = host.context({ ...request, phase: 'check' });
  await nodeCheck(check);
  await nodeStage(host.context({ ...request, phase: 'stage' }));
  const truncateTables = check.reporter.report.check?.tables ?? [];
  await nodeTruncate(host.context({ ...request, phase: 'truncate', truncateTables }));
  await nodeLoad(host.context({ ...request, phase: 'load' }));
  await nodeVerify(host.context({ ...request, phase: 'verify' }));
}

/** What a table's compaction does: all of its SSTables make place for one. */
export function compact(host: Host, keyspace: string, table: string): void {
  const { node } = host;
  const rows = node.rows(keyspace, table);
  const id = node.schemaNow.tables.find((each) => each.keyspace === keyspace && each.table === table)?.id ?? '';
  const folder = join(node.dataDirectories[0] ?? '', keyspace, `${table}-${id.replaceAll('-', '')}`);
  const old = readdirSync(folder).filter((name) => name.startsWith('nb-'));
  node.write(keyspace, table, rows.join('+'));
  for (const name of old) rmSync(join(folder, name));
  node.restart();
}

/** As TRUNCATE, DROP and CREATE under the same name do: another id, another folder. */
export function recreate(host: Host, keyspace: string, table: string): void {
  const { schemaNow } = host.node;
  schemaNow.tables = schemaNow.tables.filter((each) => each.keyspace !== keyspace || each.table !== table);
  host.node.restart();
  host.node.createTable(keyspace, table);
}

const LONG_AGO = new Date('2020-01-01T00:00:00Z');

/** Makes a file look old. */
export function age(path: string): void {
  utimesSync(path, LONG_AGO, LONG_AGO);
}

/** Gives a file that looks old another content, which nobody sees who does not read it. */
export function spoilUnseen(path: string): void {
  writeFileSync(path, 'x'.repeat(statSync(path).size));
  age(path);
}
