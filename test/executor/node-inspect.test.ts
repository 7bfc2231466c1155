import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { nodeInspect } from '../../src/executor/node-inspect.ts';
import type { InspectionReport, Inspector, StepReport, StepRequest } from '../../src/model/step.ts';
import { recordKey } from '../../src/storage/layout.ts';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { backUp, EXECUTOR_ID, makeHost, storePart, type Host } from '../helpers/step-context.ts';

const ITSELF: Inspector = {
  executorId: EXECUTOR_ID,
  hostId: `host-of-${EXECUTOR_ID}`,
  tokens: ['-100', '200'],
  ready: true,
};
const VERIFY: Partial<StepRequest> = {
  type: 'VERIFY',
  phase: 'inspect',
  jobUuid: 'verify-1',
  inspectors: [ITSELF],
  deep: true,
};
const OTHER = 'cassandra.dev.node.1.executor';
const USERS = join('shop', 'users', 'nb-1-big-Data.db');

async function backedUpHost(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  for (const table of ['users', 'orders']) {
    host.node.createTable('shop', table);
    host.node.write('shop', table, `rows of ${table}`);
  }
  await backUp(host);
  return host;
}

const pathOf = ({ root }: Host, ...path: string[]) => join(root, 'backup', 'dev', EXECUTOR_ID, 'monday', ...path);

async function inspect(
  host: Host,
  change: Partial<StepRequest> = {},
): Promise<StepReport & { inspection: InspectionReport }> {
  const context = host.context({ ...VERIFY, ...change });
  await nodeInspect(context);
  const { report } = context.reporter;
  if (!report.inspection) throw new Error('expected a finding');
  return { ...report, inspection: report.inspection };
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('a whole backup is found whole, with every byte read', async (t) => {
  const host = await backedUpHost(t);
  const report = await inspect(host);
  const record = (await host.storage.getDocument('dev/backups/monday.json')) ?? '';
  const nothing = { damagedFiles: 0, damaged: [], extraFiles: 0, extra: [] };
  t.deepEqual(report.inspection, { recordSha256: sha256Of(record), files: 8, ...nothing });
  t.deepEqual(report.errors, []);
  t.true(report.bytesDone > 0);
  t.is(report.bytesDone, report.bytesTotal ?? 0);
});

for (const [what, deep, damage, problem] of [
  ['is missing', false, (path: string) => rmSync(path), 'it is missing'],
  ['was cut short', false, (path: string) => truncateSync(path, 3), 'it has 3 bytes instead of 13'],
  ['has another byte', true, flip, /^expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}$/],
] as const) {
  test(`a file that ${what} is found, and it alone`, async (t) => {
    const host = await backedUpHost(t);
    damage(pathOf(host, USERS));
    const { inspection, errors, keyspaces } = await inspect(host, { deep });
    t.is(inspection.damagedFiles, 1);
    t.like(inspection.damaged[0], { executorId: EXECUTOR_ID, path: USERS });
    if (typeof problem === 'string') t.is(inspection.damaged[0]?.problem, problem);
    else t.regex(inspection.damaged[0]?.problem ?? '', problem);
    t.like(errors[0], { code: 'BACKUP_DAMAGED', keyspace: 'shop', table: 'users' });
    t.is(keyspaces['shop']?.status, 'FAILURE');
  });
}

test('without reading every byte another byte is not seen', async (t) => {
  const host = await backedUpHost(t);
  flip(pathOf(host, USERS));
  t.is((await inspect(host, { deep: false })).inspection.damagedFiles, 0);
});

test('a file that no manifest names is told, and is no damage', async (t) => {
  const host = await backedUpHost(t);
  writeFileSync(pathOf(host, 'shop', 'users', 'left-over'), 'x');
  const { inspection, errors } = await inspect(host);
  t.deepEqual(inspection.extra, [{ executorId: EXECUTOR_ID, path: 'shop/users/left-over' }]);
  t.is(inspection.damagedFiles, 0);
  t.deepEqual(errors, []);
});

for (const [what, damage, problem] of [
  ['missing', (host: Host) => rmSync(pathOf(host, 'manifest.json')), /it is missing/],
  ['of another backup', swapManifest, /expected sha256 .* as in the record, got/],
  ['of another node', swapNodes, /expected sha256 .* as in the record, got/],
] as const) {
  test(`a manifest that is ${what} is found, and nothing is restored by it`, async (t) => {
    const host = await backedUpHost(t);
    host.node.write('shop', 'users', 'later');
    await backUp(host, { backupName: 'tuesday', jobUuid: 'job-2' });
    await storePart(host, { executorId: OTHER, jobUuid: 'job-3' });
    damage(host);
    const { inspection, errors } = await inspect(host);
    t.like(inspection.damaged[0], { executorId: EXECUTOR_ID, path: 'manifest.json' });
    t.regex(inspection.damaged[0]?.problem ?? '', problem);
    t.is(errors[0]?.code, 'BACKUP_DAMAGED');
    const check = host.context({ type: 'RESTORE', phase: 'check', jobUuid: 'restore-1' });
    await t.throwsAsync(nodeCheck(check), { code: 'BACKUP_DAMAGED', message: /manifest\.json/ });
  });
}

function swapNodes(host: Host): void {
  copyFileSync(pathOf(host, '..', '..', OTHER, 'monday', 'manifest.json'), pathOf(host, 'manifest.json'));
}

function swapManifest(host: Host): void {
  copyFileSync(pathOf(host, '..', 'tuesday', 'manifest.json'), pathOf(host, 'manifest.json'));
}

test('a schema.cql that is not that of the manifest is found', async (t) => {
  const host = await backedUpHost(t);
  flip(pathOf(host, 'schema.cql'));
  t.like((await inspect(host)).inspection.damaged, [{ path: 'schema.cql' }]);
});

test('a record that is none is found by every node, and is one file', async (t) => {
  const host = await backedUpHost(t);
  await host.storage.putDocument('dev/backups/monday.json', '{"version":1}');
  const { inspection } = await inspect(host);
  t.like(inspection.damaged, [{ executorId: null, path: 'dev/backups/monday.json' }]);
  t.is(inspection.damagedFiles, 0);
});

test('a backup without a record cannot be verified', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  await storePart(host);
  await t.throwsAsync(nodeInspect(host.context(VERIFY)), { code: 'BACKUP_INCOMPLETE' });
});

test('parts of nodes that are gone are inspected by one that is ready, each part by one', async (t) => {
  const host = await backedUpHost(t);
  const gone = await backUp(host, {
    backupName: 'tuesday',
    jobUuid: 'job-2',
    executorId: 'cassandra.dev.node.9.executor',
  });
  const nodes = gone.nodes.map((node) => ({ ...node, hostId: 'gone', tokens: ['7'] }));
  await host.storage.putDocument(recordKey('dev', 'tuesday'), stringifyRecord({ ...gone, nodes }));
  const down = { executorId: 'cassandra.dev.node.1.executor', hostId: 'h1', tokens: [], ready: false };
  const inspectors = [down, ITSELF];
  t.is((await inspect(host, { backupName: 'tuesday', inspectors })).inspection.files, 8);
  const other = await inspect(host, { backupName: 'tuesday', inspectors, executorId: down.executorId });
  t.is(other.inspection.files, 0);
});

/** What the scheduler makes of the finding, written by the node. */
async function keepFinding(host: Host): Promise<void> {
  const { inspection } = await inspect(host);
  const { recordSha256, damaged, damagedFiles } = inspection;
  const result = damagedFiles === 0 ? 'SUCCESS' : 'FAILURE';
  const about = { version: 1, cluster: 'dev', name: 'monday', recordSha256, when: 1_800_000_000_000, deep: true };
  const record = JSON.stringify({ ...about, result, damagedFiles, damaged });
  await nodeCommit(host.context({ ...VERIFY, phase: 'commit', record }));
}

test('a restore is refused for the tables that a verification found damaged, and for no others', async (t) => {
  const host = await backedUpHost(t);
  const good = readFileSync(pathOf(host, USERS));
  flip(pathOf(host, USERS));
  await keepFinding(host);
  const check = { type: 'RESTORE', phase: 'check', jobUuid: 'restore-1' } as const;
  await t.throwsAsync(nodeCheck(host.context(check)), {
    code: 'BACKUP_DAMAGED',
    message:
      /^shop\.users of .* are damaged, as the verification at 2027-01-15T08:00:00\.000Z found: shop\/users\/nb-1/,
  });
  await t.notThrowsAsync(nodeCheck(host.context({ ...check, tables: ['shop.orders'] })));
  rmSync(pathOf(host, USERS));
  await t.notThrowsAsync(nodeCheck(host.context({ ...check, tables: ['shop.orders'] })));
  writeFileSync(pathOf(host, USERS), good);
  await keepFinding(host);
  await t.notThrowsAsync(nodeCheck(host.context(check)));
});
