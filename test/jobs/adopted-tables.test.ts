import test from 'ava';
import { backupRecord } from '../../src/jobs/backup-record.ts';
import type { KeyspaceReport } from '../../src/model/step.ts';
import { CLUSTER, id, keyspace, manifest, report } from './helpers.ts';
import { finish, rig } from './rig.ts';
import type { Script } from './ticker.ts';

const EMPTY = { files: 0, bytes: 0, error: null, safetySnapshot: null };

/** Nodes with the given tables, each empty or with the error. */
function nodesWith(...nodes: Record<string, string | null>[]): Script {
  return ({ phase, executorId }) => {
    const tables = nodes.find((_, number) => id(number) === executorId);
    if (phase !== 'backup' || tables === undefined) return undefined;
    const told = Object.entries(tables).map(([table, error]) => [table, { ...EMPTY, error }]);
    const ks1: KeyspaceReport = keyspace({ tables: Object.fromEntries(told) });
    return report({ keyspaces: { ks1 }, manifest: manifest(executorId) });
  };
}

test('a table that one node has and another has not is missing there', async (t) => {
  const made = rig(t);
  await made.jobs.start('ADOPT', { name: 'monday' });
  const ended = finish(made, nodesWith({ t1: null, t2: null }, { t1: null }));
  t.is(ended.result, 'PARTIAL');
  t.like(ended.errors, [{ code: 'BACKUP_INCOMPLETE', executorId: id(1), keyspace: 'ks1', table: 't2' }]);
  t.is(ended.errors.length, 1);
  const { result, missing } = backupRecord(ended, CLUSTER);
  t.is(result, 'PARTIAL');
  t.like(missing, [{ executorId: id(1), keyspace: 'ks1', table: 't2' }]);
  t.is(missing.length, 1);
});

test('where all nodes have the same tables nothing is missing, be they empty', async (t) => {
  const made = rig(t);
  await made.jobs.start('ADOPT', { name: 'monday' });
  t.is(finish(made, nodesWith({ t1: null }, { t1: null })).result, 'SUCCESS');
});

test('a table that is told to be bad on the one node that has it is not missing on the others', async (t) => {
  const made = rig(t);
  await made.jobs.start('ADOPT', { name: 'monday' });
  t.deepEqual(finish(made, nodesWith({ t1: null, t2: 'corrupt' }, { t1: null })).errors, []);
});

test('a backup of ours says itself what it holds: nodes may differ', async (t) => {
  const made = rig(t);
  await made.jobs.start('BACKUP', { name: 'monday' });
  t.is(finish(made, nodesWith({ t1: null, t2: null }, { t1: null })).result, 'SUCCESS');
});
