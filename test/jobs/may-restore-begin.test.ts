import test from 'ava';
import { mayRestoreBegin } from '../../src/jobs/may-restore-begin.ts';
import { changeSteps } from '../../src/jobs/steps.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { emptyReport, type CheckReport, type StepReport } from '../../src/model/step.ts';
import { check, error, failedKeyspace, id, node, nodes, planned } from './helpers.ts';

const ALL = [id(0), id(1)];

/** A restore on two nodes whose checks have all ended, with what the second one found changed. */
function checked(change: Partial<CheckReport> = {}, report: Partial<StepReport> = {}): ClusterJob {
  return changeSteps(
    planned('RESTORE', nodes(2)),
    (_step, phase) => phase.name === 'check',
    ({ executorId }) => {
      const isSecond = executorId === id(1);
      const found = check(executorId, ALL, isSecond ? change : {});
      return { state: 'SUCCESS', report: { ...emptyReport(), check: found, ...(isSecond ? report : {}) } };
    },
  );
}

function reasons(job: ClusterJob, cluster = nodes(2)): string[] {
  return mayRestoreBegin(job, cluster).map(({ code, executorId }) => `${code} ${executorId ?? '-'}`);
}

test('a restore begins when every node found everything as it should be', (t) => {
  t.deepEqual(reasons(checked()), []);
});

const replaced = (number: number) => ({ ...node(number), targetRunState: 'TERMINATE' as const });

test('a node that was replaced before the restore is not missed, one that is replaced after its check is', (t) => {
  t.deepEqual(reasons(checked(), [...nodes(2), replaced(2)]), []);
  t.deepEqual(reasons(checked(), [node(0), replaced(1)]), [`TOPOLOGY_MISMATCH ${id(1)}`]);
});

const refusals: [string, Partial<CheckReport>, string[]][] = [
  ['the nodes read different records', { recordSha256: 'other' }, ['BACKUP_DAMAGED -']],
  ['a node of the backup has no node here', { backupNodes: [...ALL, id(2)] }, ['TOPOLOGY_MISMATCH -']],
  [
    'a node has nothing in the backup',
    { sourceExecutorId: null },
    [`TOPOLOGY_MISMATCH ${id(1)}`, 'TOPOLOGY_MISMATCH -'],
  ],
  [
    'two nodes fit the same node of the backup',
    { sourceExecutorId: id(0) },
    ['TOPOLOGY_MISMATCH -', 'TOPOLOGY_MISMATCH -'],
  ],
  ['the nodes know different schemas', { schemaVersions: ['s2'] }, ['SCHEMA_MISMATCH -']],
  ['a node knows of two schemas', { schemaVersions: ['s1', 's2'] }, ['SCHEMA_MISMATCH -']],
  ['a node sees another one as down', { unreachableNodes: ['127.0.0.1'] }, [`NODE_DOWN ${id(1)}`]],
  ['a node has no room', { bytesNeeded: 10, bytesFree: 9 }, [`NO_SPACE ${id(1)}`]],
];
for (const [what, change, expected] of refusals) {
  test(`a restore does not begin when ${what}`, (t) => {
    t.deepEqual(reasons(checked(change)), expected);
  });
}

test('exactly enough room is enough', (t) => {
  t.deepEqual(reasons(checked({ bytesNeeded: 10, bytesFree: 10 })), []);
});

test('a restore of nothing does not begin', (t) => {
  const job = changeSteps(
    checked(),
    (_step, phase) => phase.name === 'check',
    ({ executorId }) => ({ report: { ...emptyReport(), check: check(executorId, ALL, { tables: [] }) } }),
  );
  t.deepEqual(reasons(job), ['BAD_REQUEST -']);
});

test('a node without tables of its own does not matter', (t) => {
  t.deepEqual(reasons(checked({ tables: [] })), []);
});

test('a node that ended without a finding, or with a doubt, refuses', (t) => {
  t.deepEqual(reasons(checked({}, { check: null })), [`INTERNAL ${id(1)}`]);
  t.deepEqual(reasons(checked({}, { errors: [error('BACKUP_DAMAGED', 'x')] })), [`BACKUP_DAMAGED ${id(1)}`]);
  t.deepEqual(reasons(checked({}, { keyspaces: { ks1: failedKeyspace('x') } })), [`INTERNAL ${id(1)}`]);
});

test('the errors of a failed check are the reasons, without guesses about the rest', (t) => {
  const job = changeSteps(
    checked(),
    (step, phase) => phase.name === 'check' && step.executorId === id(0),
    () => ({ state: 'FAILED', report: null, error: error('CASSANDRA_UNAVAILABLE', 'gone', { executorId: id(0) }) }),
  );
  t.deepEqual(reasons(job), [`CASSANDRA_UNAVAILABLE ${id(0)}`]);
});

test('nodes that came or went since the start refuse', (t) => {
  t.deepEqual(reasons(checked(), nodes(3)), [`TOPOLOGY_MISMATCH ${id(2)}`]);
  t.deepEqual(reasons(checked(), [node(0)]), [`TOPOLOGY_MISMATCH ${id(1)}`]);
});

test('all reasons are told at once', (t) => {
  const job = checked({ recordSha256: 'other', schemaVersions: ['s2'], bytesFree: 0, unreachableNodes: ['x'] });
  t.deepEqual(reasons(job), ['BACKUP_DAMAGED -', 'SCHEMA_MISMATCH -', `NODE_DOWN ${id(1)}`, `NO_SPACE ${id(1)}`]);
});
