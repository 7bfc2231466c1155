import test from 'ava';
import { backupRecord } from '../../src/jobs/backup-record.ts';
import { jobJson } from '../../src/jobs/job-json.ts';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import { CLUSTER, error, failedKeyspace, id, keyspace, manifest, report } from './helpers.ts';
import { finish, refused, rig } from './rig.ts';
import { ticker, type Script } from './ticker.ts';

const LOCATION = 'file:///backup';
const FRAMEWORK = `cassandra.${CLUSTER}`;

/** Every node has adopted what it found. */
const ADOPTED: Script = ({ phase, executorId }) =>
  phase === 'backup' ? report({ manifest: { ...manifest(executorId), adoptedFrom: FRAMEWORK } }) : undefined;

test('an adoption ends with a record that is marked, in the catalogue as any other backup', async (t) => {
  const made = rig(t);
  made.found = { state: 'INCOMPLETE', message: 'another program made it' };
  const job = await made.jobs.start('ADOPT', { name: 'monday', adoptFrom: FRAMEWORK });
  t.like(job, { type: 'ADOPT', backupName: 'monday', location: LOCATION, parameters: { adoptFrom: FRAMEWORK } });
  t.is(made.state.backups.find(LOCATION, 'monday')?.state, 'RUNNING');
  const ended = finish(made, ADOPTED);
  t.is(ended.result, 'SUCCESS');
  t.deepEqual(
    ended.phases.map(({ name }) => name),
    ['preflight', 'backup', 'confirm', 'commit'],
  );
  const record = backupRecord(ended, CLUSTER);
  t.like(record, { adopted: true, adoptedFrom: FRAMEWORK, result: 'SUCCESS' });
  t.false('adoptedFrom' in (record.nodes[0] ?? {}));
  t.is(made.state.backups.find(LOCATION, 'monday')?.state, 'COMPLETE');
});

test('a name that has a record is taken, seen or remembered; what has none can be adopted', async (t) => {
  for (const state of ['COMPLETE', 'PARTIAL', 'DAMAGED', 'DELETING'] as const) {
    const made = rig(t);
    made.found = { state, message: null };
    await refused(t, made.jobs.start('ADOPT', { name: 'monday' }), 'NAME_TAKEN');
    made.found = { state: 'UNKNOWN', message: null };
    made.state.backups.save({
      location: LOCATION,
      name: 'monday',
      jobId: null,
      state,
      started: 1,
      finished: 2,
      summary: null,
    });
    await refused(t, made.jobs.start('ADOPT', { name: 'monday' }), 'NAME_TAKEN');
    made.found = { state: 'INCOMPLETE', message: null };
    await t.notThrowsAsync(made.jobs.start('ADOPT', { name: 'monday' }), 'what lies there is the truth');
  }
});

test('an adoption needs a name', async (t) => {
  await refused(t, rig(t).jobs.start('ADOPT', {}), 'NAME_REQUIRED');
});

test('where no node finds anything the name stays free', async (t) => {
  const made = rig(t);
  await made.jobs.start('ADOPT', { name: 'monday' });
  const ended = finish(made, ({ phase }) =>
    phase === 'backup' ? error('BACKUP_NOT_FOUND', 'there is none') : undefined,
  );
  t.is(ended.result, 'FAILURE');
  t.is(made.state.backups.find(LOCATION, 'monday'), null);
  await t.notThrowsAsync(made.jobs.start('BACKUP', { name: 'monday' }));
});

test('the record of an adoption names tables that are missing, and nodes that had nothing', (t) => {
  const turned = ticker('ADOPT', 3).until('commit', (step) => {
    if (step.phase !== 'backup') return undefined;
    if (step.executorId === id(0)) {
      const t2 = { files: 0, bytes: 0, error: null, safetySnapshot: null };
      return report({
        keyspaces: { ks1: keyspace({ tables: { ...keyspace().tables, t2 } }) },
        manifest: manifest(id(0)),
      });
    }
    if (step.executorId === id(1)) return error('BACKUP_NOT_FOUND', 'there is none');
    const bad = { ...failedKeyspace('corrupt').tables, t2: { files: 2, bytes: 20, error: null, safetySnapshot: null } };
    return report({
      keyspaces: { ks1: keyspace({ status: 'FAILURE', error: 'corrupt', tables: bad }) },
      manifest: manifest(id(2)),
      errors: [error('SSTABLE_CORRUPT', 'corrupt', { keyspace: 'ks1', table: 't1' })],
    });
  });
  const { missing, keyspaces, result } = backupRecord(turned.job, CLUSTER);
  t.is(result, 'PARTIAL');
  t.deepEqual(missing, [
    { executorId: id(1), keyspace: null, reason: 'there is none' },
    { executorId: id(2), keyspace: 'ks1', table: 't1', reason: 'corrupt' },
  ]);
  t.deepEqual(keyspaces, { ks1: { tables: 2, files: 3, bytes: 120 } });
});

test('one node of which some tables could be adopted is enough for a record', async (t) => {
  const made = rig(t, 1);
  await made.jobs.start('ADOPT', { name: 'monday' });
  const ended = finish(made, ({ phase }) => {
    if (phase !== 'backup') return undefined;
    const tables = { t2: { files: 2, bytes: 20, error: null, safetySnapshot: null } };
    return report({
      keyspaces: { ks1: keyspace({ status: 'FAILURE', error: 'corrupt', tables }) },
      manifest: manifest(id(0)),
      errors: [error('SSTABLE_CORRUPT', 'corrupt', { keyspace: 'ks1', table: 't1' })],
    });
  });
  t.is(ended.result, 'PARTIAL');
  t.is(made.state.backups.find(LOCATION, 'monday')?.state, 'PARTIAL');
});

test('each node is told from where it adopts, and whose the folders there are', async (t) => {
  const made = rig(t);
  const nodeMap = { 'node-7': 0 };
  const job = await made.jobs.start('ADOPT', { name: 'monday', adoptFrom: 'friday', nodeMap });
  const phase = job.phases.findIndex(({ name }) => name === 'backup');
  t.like(stepRequest(job, phase, 0, CLUSTER), { adoptFrom: 'friday', nodeMap });
  t.like(jobJson(job, []), { adoptFrom: 'friday', nodeMap });
});
