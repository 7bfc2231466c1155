import test from 'ava';
import { jobErrors } from '../../src/jobs/shortfalls.ts';
import { emptyReport, type StepReport } from '../../src/model/step.ts';
import { check, error, id, keyspace, report } from './helpers.ts';
import { ticker, type Script, type Ticker } from './ticker.ts';

const TABLES = ['ks1.a', 'ks1.b', 'ks2.c'];
const table = { files: 1, bytes: 1, error: null, safetySnapshot: null };

function loaded(change: Partial<StepReport> = {}): StepReport {
  return report({
    keyspaces: { ks1: keyspace({ tables: { a: table, b: table } }), ks2: keyspace({ tables: { c: table } }) },
    ...change,
  });
}

/** A restore of three tables on two nodes. */
const threeTables: Script = ({ phase, executorId }) => {
  if (phase === 'check') return { ...emptyReport(), check: check(executorId, [id(0), id(1)], { tables: TABLES }) };
  return phase === 'cleanup' ? undefined : loaded();
};

const refusesToTruncate: Script = (step) =>
  step.phase === 'truncate' ? error('SCHEMA_MISMATCH', 'nothing was truncated: no') : threeTables(step);

function hints(turned: Ticker): string[] {
  return jobErrors(turned.job)
    .filter(({ message }) => /runcated and not loaded/.test(message))
    .map(({ code, executorId, message }) => `${code} ${executorId?.match(/\d/)?.[0]} ${message.split('. ')[0]}`);
}

test('a restore that succeeded has nothing to say', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(threeTables).result, 'SUCCESS');
  t.deepEqual(hints(turned), []);
});

test('an abort after truncation names what is empty on which node, and the way on', (t) => {
  const turned = ticker('RESTORE', 2).until('load', threeTables).abort();
  turned.end(threeTables);
  t.is(turned.run(threeTables).result, 'ABORTED');
  t.deepEqual(hints(turned), ['ABORTED 1 Truncated and not loaded on this node: ks1.a, ks1.b, ks2.c']);
  t.regex(jobErrors(turned.job).at(-1)?.message ?? '', /start the restore of b1 again to complete it/);
});

test('an abort in the middle of truncation says perhaps', (t) => {
  const turned = ticker('RESTORE', 2).until('truncate', threeTables).abort(true);
  t.is(turned.run(() => 'KILLED').result, 'ABORTED');
  t.deepEqual(hints(turned), [
    'ABORTED 0 Perhaps truncated and not loaded on this node: ks1.a, ks1.b, ks2.c',
    'ABORTED 1 Perhaps truncated and not loaded on this node: ks1.a, ks1.b, ks2.c',
  ]);
});

test('an abort before truncation has nothing to say', (t) => {
  const turned = ticker('RESTORE', 2).until('stage', threeTables).abort();
  turned.end(threeTables);
  turned.run(threeTables);
  t.deepEqual(hints(turned), []);
});

test('a truncation that failed before its first table left everything as it was', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(turned.run(refusesToTruncate).result, 'FAILURE');
  t.deepEqual(hints(turned), []);
});

test('a truncation that failed on its way names the tables that it touched', (t) => {
  const turned = ticker('RESTORE', 2).until('truncate', threeTables);
  const keyspaces = { ks1: keyspace({ tables: { a: table } }) };
  const words = report({ keyspaces, current: 'ks1.b', errors: [error('SCHEMA_MISMATCH', 'gone')] });
  turned.status(turned.step('truncate', 0).taskId ?? '', 'FAILED', words).tick();
  t.is(turned.job.result, 'FAILURE');
  t.deepEqual(hints(turned), [
    'LOAD_FAILED 0 Perhaps truncated and not loaded on this node: ks1.a, ks1.b',
    'LOAD_FAILED 1 Perhaps truncated and not loaded on this node: ks1.a, ks1.b',
  ]);
});

test('a load that failed names the tables that are not known to be loaded', (t) => {
  const bad = { ...table, error: 'two files stayed' };
  const ks1 = keyspace({ status: 'FAILURE', error: 'no', tables: { a: table, b: bad } });
  const turned = ticker('RESTORE', 2).until('load', threeTables);
  const words = loaded({ keyspaces: { ks1 }, remainingKeyspaces: ['ks2'], errors: [error('SSTABLE_CORRUPT', 'no')] });
  turned.status(turned.step('load', 0).taskId ?? '', 'FAILED', words);
  t.is(turned.run(threeTables).result, 'PARTIAL');
  t.deepEqual(hints(turned), ['LOAD_FAILED 0 Truncated and not loaded on this node: ks1.b, ks2.c']);
});

test('a keyspace that a lost load was at counts as not loaded', (t) => {
  const turned = ticker('RESTORE', 2).until('load', threeTables);
  turned.progress(turned.step('load', 0).taskId ?? '', loaded({ remainingKeyspaces: ['ks2'] }));
  const never: Script = (step) => (step.phase === 'load' && step.executorId === id(0) ? 'LOST' : threeTables(step));
  t.is(turned.run(never).result, 'PARTIAL');
  t.deepEqual(hints(turned), ['LOAD_FAILED 0 Truncated and not loaded on this node: ks2.c']);
});
