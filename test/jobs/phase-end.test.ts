import test from 'ava';
import { backupRecord } from '../../src/jobs/backup-record.ts';
import { jobErrors } from '../../src/jobs/shortfalls.ts';
import type { PhaseName } from '../../src/model/phase.ts';
import { emptyReport } from '../../src/model/step.ts';
import { check, CLUSTER, error, failedKeyspace, id, keyspace, manifest, node, nodes, report } from './helpers.ts';
import { launchOrder, ticker, type Outcome, type Script, type Ticker } from './ticker.ts';

/** One node has an outcome of its own in one phase. */
function where(name: PhaseName, number: number, outcome: Outcome): Script {
  return ({ phase, executorId }) => (phase === name && executorId === id(number) ? outcome : undefined);
}

function everywhere(name: PhaseName, outcome: Outcome): Script {
  return ({ phase }) => (phase === name ? outcome : undefined);
}

function codes(turned: Ticker): [string, string | null, string | null][] {
  return jobErrors(turned.job).map((entry) => [entry.code, entry.executorId, entry.keyspace]);
}

const GOOD_AND_BAD = { ks1: keyspace(), ks2: failedKeyspace('corrupt') };

test('a backup goes on without a failed node and says so', (t) => {
  const turned = ticker('BACKUP');
  t.is(turned.run(where('backup', 1, error('NO_SPACE', 'disk full'))).result, 'PARTIAL');
  t.deepEqual(launchOrder(turned), [
    'backup 0',
    'backup 1',
    'backup 2',
    'confirm 0',
    'confirm 2',
    'commit 0',
    'commit 2',
  ]);
  t.deepEqual(codes(turned), [['NO_SPACE', id(1), null]]);
});

test('a backup of which a keyspace is missing on one node is PARTIAL', (t) => {
  const turned = ticker('BACKUP', 2);
  const bad = report({ keyspaces: GOOD_AND_BAD, manifest: manifest(id(1)) });
  t.is(turned.run(where('backup', 1, bad)).result, 'PARTIAL');
  t.deepEqual(turned.states('commit'), ['SUCCESS', 'SUCCESS']);
  t.like(jobErrors(turned.job)[0], { executorId: id(1), keyspace: 'ks2', message: 'corrupt' });
});

test('a backup in which every node failed is a FAILURE without a record', (t) => {
  const turned = ticker('BACKUP', 2);
  t.is(turned.run(everywhere('backup', error('STORAGE_FAILED', 'no such bucket'))).result, 'FAILURE');
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED']);
  t.deepEqual(codes(turned), [
    ['STORAGE_FAILED', id(0), null],
    ['STORAGE_FAILED', id(1), null],
  ]);
});

test('a backup in which every keyspace of every node failed is a FAILURE without a record', (t) => {
  const turned = ticker('BACKUP', 1);
  const bad = report({ keyspaces: { ks1: failedKeyspace('corrupt') }, manifest: manifest(id(0)) });
  t.is(turned.run(everywhere('backup', bad)).result, 'FAILURE');
  t.deepEqual(turned.states('commit'), ['SKIPPED']);
});

test('a backup of nothing is a FAILURE and not a success', (t) => {
  const turned = ticker('BACKUP', 2);
  t.is(turned.run(everywhere('backup', { ...emptyReport(), manifest: manifest('') })).result, 'FAILURE');
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED']);
  t.deepEqual(codes(turned), [['NOTHING_TO_BACK_UP', null, null]]);
});

test('a backup of keyspaces that do not exist names them', (t) => {
  const turned = ticker('BACKUP', 1, { keyspaces: ['nope'] });
  turned.run(everywhere('backup', { ...emptyReport(), manifest: manifest(id(0)) }));
  t.regex(jobErrors(turned.job)[0]?.message ?? '', /No node has any of nope/);
});

test('a node that ends without a manifest has no backup', (t) => {
  const turned = ticker('BACKUP', 2);
  t.is(turned.run(where('backup', 0, report())).result, 'PARTIAL');
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SUCCESS']);
});

test('a node whose part has gone when all are through gets no record, and the others say that it is missing', (t) => {
  const turned = ticker('BACKUP', 3).until('commit', where('confirm', 0, error('BACKUP_DAMAGED', 'it is missing')));
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'LAUNCHING', 'LAUNCHING']);
  const record = backupRecord(turned.job, CLUSTER);
  t.is(record.result, 'PARTIAL');
  t.deepEqual(
    record.nodes.map(({ executorId }) => executorId),
    [id(1), id(2)],
  );
  t.deepEqual(record.missing, [{ executorId: id(0), keyspace: null, reason: 'it is missing' }]);
  t.is(turned.run().result, 'PARTIAL');
  t.deepEqual(codes(turned), [['BACKUP_DAMAGED', id(0), null]]);
});

test('a backup of which no part is left is a FAILURE without a record', (t) => {
  const turned = ticker('BACKUP', 2);
  t.is(turned.run(everywhere('confirm', error('BACKUP_DAMAGED', 'it is missing'))).result, 'FAILURE');
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED']);
  t.deepEqual(codes(turned), [
    ['BACKUP_DAMAGED', id(0), null],
    ['BACKUP_DAMAGED', id(1), null],
  ]);
});

test('a part that is damaged is not looked for again, a location that is away is', (t) => {
  const gone = ticker('BACKUP', 1);
  gone.run(everywhere('confirm', error('BACKUP_DAMAGED', 'it is missing')));
  t.is(gone.step('confirm', 0).attempt, 1);
  const away = ticker('BACKUP', 1);
  const job = away.run(({ phase, attempt }) =>
    phase === 'confirm' && attempt === 1 ? error('TIMEOUT', 'slow') : undefined,
  );
  t.is(job.result, 'SUCCESS');
});

test('a keyspace that a node left out is missing', (t) => {
  const turned = ticker('BACKUP', 1);
  const half = report({ remainingKeyspaces: ['ks2'], manifest: manifest(id(0)) });
  t.is(turned.run(everywhere('backup', half)).result, 'PARTIAL');
  t.like(jobErrors(turned.job)[0], { executorId: id(0), keyspace: 'ks2' });
});

test('a record that could not be written on one node makes the backup PARTIAL, on all a FAILURE', (t) => {
  const one = ticker('BACKUP', 2);
  t.is(one.run(where('commit', 1, error('STORAGE_FAILED', 'read-only'))).result, 'PARTIAL');
  t.deepEqual(codes(one), [['STORAGE_FAILED', id(1), null]]);
  t.is(ticker('BACKUP', 2).run(everywhere('commit', error('STORAGE_FAILED', 'read-only'))).result, 'FAILURE');
});

test('a node whose common snapshot failed takes one of its own, and the result says it', (t) => {
  const turned = ticker('BACKUP', 2, { snapshot: 'together' });
  t.is(turned.run(where('snapshot', 1, error('SSTABLE_CORRUPT', 'no'))).result, 'PARTIAL');
  t.deepEqual(turned.states('backup'), ['SUCCESS', 'SUCCESS']);
  t.deepEqual(codes(turned), [['SSTABLE_CORRUPT', id(1), null]]);
});

test('a complaint that cost nothing is told and changes nothing', (t) => {
  const turned = ticker('BACKUP', 1);
  const errors = [error('CASSANDRA_ERROR', 'the snapshot could not be cleared', { keyspace: 'ks1' })];
  t.is(turned.run(everywhere('backup', report({ errors, manifest: manifest(id(0)) }))).result, 'SUCCESS');
  t.deepEqual(codes(turned), [['CASSANDRA_ERROR', id(0), 'ks1']]);
});

test('a restore that a check refuses touches nothing', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(where('check', 1, error('SCHEMA_MISMATCH', 'column v is gone'))).result, 'FAILURE');
  t.deepEqual(launchOrder(turned), ['check 0', 'check 1']);
  t.deepEqual(turned.job.errors, [error('SCHEMA_MISMATCH', 'column v is gone', { executorId: id(1) })]);
  t.is(jobErrors(turned.job).length, 1);
});

test('a restore that the checks together refuse touches nothing', (t) => {
  const turned = ticker('RESTORE', 2);
  const full = { ...emptyReport(), check: check(id(1), [id(0), id(1)], { bytesFree: 1 }) };
  t.is(turned.run(where('check', 1, full)).result, 'FAILURE');
  t.deepEqual(launchOrder(turned), ['check 0', 'check 1']);
  t.deepEqual(codes(turned), [['NO_SPACE', id(1), null]]);
});

for (const [what, outcome] of [
  ['a node that could not stage', error('BACKUP_DAMAGED', 'sha256 differs')],
  ['a keyspace that could not be staged', report({ keyspaces: GOOD_AND_BAD })],
  ['an error that a node reports beside its success', report({ errors: [error('INTERNAL', 'odd')] })],
] as const) {
  test(`${what} ends the restore before anything is truncated`, (t) => {
    const turned = ticker('RESTORE');
    t.is(turned.run(where('stage', 2, outcome)).result, 'FAILURE');
    t.deepEqual(turned.states('stage'), ['SUCCESS', 'SUCCESS', 'code' in outcome ? 'FAILED' : 'SUCCESS']);
    t.deepEqual(turned.states('truncate'), ['SKIPPED']);
    t.true(jobErrors(turned.job).length > 0);
    t.false(turned.job.phases.some(({ name }) => name === 'cleanup'));
  });
}

test('truncation goes through the node whose backup finished last', (t) => {
  const turned = ticker('RESTORE');
  const all = [id(0), id(1), id(2)];
  turned.run(({ phase, executorId }) =>
    phase === 'check'
      ? { ...emptyReport(), check: check(executorId, all, { backupFinished: executorId === id(1) ? 9 : 5 }) }
      : undefined,
  );
  t.true(launchOrder(turned).includes('truncate 1'));
  t.is(turned.job.result, 'SUCCESS');
});

test('a cluster that changed while the nodes staged is not touched', (t) => {
  const turned = ticker('RESTORE', 2).until('stage');
  turned.nodes = [...nodes(2), node(2)];
  t.is(turned.run().result, 'FAILURE');
  t.deepEqual(turned.states('truncate'), ['SKIPPED']);
  t.deepEqual(codes(turned), [['TOPOLOGY_MISMATCH', id(2), null]]);
});

for (const [what, outcome] of [
  ['fails', error('SCHEMA_MISMATCH', 'nothing was truncated: no')],
  ['fails for a keyspace', report({ keyspaces: GOOD_AND_BAD })],
] as const) {
  test(`nothing is loaded over live data when truncation ${what}`, (t) => {
    const turned = ticker('RESTORE', 2);
    t.is(turned.run(everywhere('truncate', outcome)).result, 'FAILURE');
    t.deepEqual(turned.states('load'), ['SKIPPED', 'SKIPPED']);
    t.deepEqual(turned.states('verify'), ['SKIPPED', 'SKIPPED']);
  });
}

test('a node that cannot load does not keep the others from it, nor from their verification', (t) => {
  const turned = ticker('RESTORE');
  t.is(turned.run(where('load', 0, error('SSTABLE_CORRUPT', 'bad'))).result, 'PARTIAL');
  t.deepEqual(turned.states('load'), ['FAILED', 'SUCCESS', 'SUCCESS']);
  t.deepEqual(turned.states('verify'), ['SKIPPED', 'SUCCESS', 'SUCCESS']);
});

test('a restore that loaded nothing is a FAILURE', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(everywhere('load', report({ keyspaces: { ks1: failedKeyspace('no') } }))).result, 'FAILURE');
});

test('a keyspace that was checked and is not in the report of the load was not restored', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(where('load', 1, emptyReport())).result, 'PARTIAL');
  t.true(jobErrors(turned.job).some(({ keyspace, executorId }) => keyspace === 'ks1' && executorId === id(1)));
});

test('a keyspace that a node was still at when it ended its load was not restored', (t) => {
  const turned = ticker('RESTORE', 1);
  t.is(turned.run(everywhere('load', report({ remainingKeyspaces: ['ks1'] }))).result, 'FAILURE');
});

test('a restore that cannot be verified is PARTIAL', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(where('verify', 0, error('SSTABLE_CORRUPT', 'two files are not live'))).result, 'PARTIAL');
  t.deepEqual(codes(turned), [['SSTABLE_CORRUPT', id(0), null]]);
});
