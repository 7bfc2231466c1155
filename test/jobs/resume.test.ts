import test from 'ava';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import type { Script } from './ticker.ts';
import { CLUSTER, error, id, manifest, node, report } from './helpers.ts';
import { finish, PARTIAL, refused, rig, type Rig } from './rig.ts';

/** A backup of two nodes that ended as the script says. */
async function made(made: Rig, script: Script = PARTIAL): Promise<void> {
  await made.jobs.start('BACKUP', { name: 'b1', keyspaces: ['ks1'], mode: 'full' });
  finish(made, script);
}

/** Every node says what it went on with. */
function goingOn(resumed: (executorId: string) => { origin: string | null; recordSha256: string | null }): Script {
  return ({ phase, executorId }) =>
    phase === 'backup' ? report({ manifest: manifest(executorId), resumed: resumed(executorId) }) : undefined;
}

const again = { name: 'b1', resume: true };

test('a partial backup is resumed with what it was begun with, and its new record takes the place of the one that was seen', async (t) => {
  const jobs = rig(t);
  await made(jobs);
  jobs.found = { state: 'PARTIAL', message: 'node 1 is missing' };
  await refused(t, jobs.jobs.start('BACKUP', { name: 'b1' }), 'NAME_TAKEN');
  const job = await jobs.jobs.start('BACKUP', again);
  t.like(job.parameters, { mode: 'full', resume: true });
  t.deepEqual(job.parameters.keyspaces, ['ks1']);
  const first = jobs.jobs.get(1)?.uuid;
  t.like(stepRequest(job, 0, 0, CLUSTER), { resume: true, resumes: [first] });
  const script = goingOn((executorId) => ({
    origin: executorId === id(0) ? 'the first job' : null,
    recordSha256: 'old record',
  }));
  const ended = finish(jobs, script);
  t.is(ended.result, 'SUCCESS');
  t.is(stepRequest(ended, 3, 0, CLUSTER).replaces, 'old record');
  t.like(jobs.state.backups.find('file:///backup', 'b1'), { state: 'COMPLETE', jobId: job.id });
});

test('what is asked for anew counts more than what was asked for', async (t) => {
  const jobs = rig(t);
  await made(jobs);
  jobs.found = { state: 'INCOMPLETE', message: null };
  const { parameters } = await jobs.jobs.start('BACKUP', { ...again, tables: ['ks1.t1'], mode: 'incremental' });
  t.deepEqual([parameters.keyspaces, parameters.tables, parameters.mode], [null, ['ks1.t1'], 'incremental']);
});

test('what cannot be resumed is refused, each with its own reason', async (t) => {
  const jobs = rig(t);
  await refused(t, jobs.jobs.start('BACKUP', { resume: true }), 'NAME_REQUIRED');
  await refused(t, jobs.jobs.start('BACKUP', again), 'BACKUP_NOT_FOUND');
  jobs.found = { state: 'UNKNOWN', message: null };
  await refused(t, jobs.jobs.start('BACKUP', again), 'BACKUP_NOT_FOUND');
  for (const [state, code] of [
    ['COMPLETE', 'NAME_TAKEN'],
    ['DELETING', 'BACKUP_INCOMPLETE'],
    ['DAMAGED', 'BACKUP_DAMAGED'],
  ] as const) {
    jobs.found = { state, message: null };
    const { message } = await refused(t, jobs.jobs.start('BACKUP', again), code);
    t.regex(message, /nothing is missing|being deleted|is damaged/);
  }
  jobs.found = { state: 'INCOMPLETE', message: null };
  await refused(t, jobs.jobs.start('BACKUP', { ...again, nodes: [id(0)] }), 'BAD_REQUEST');
  await refused(t, jobs.jobs.start('RESTORE', again), 'BAD_REQUEST');
  await jobs.jobs.start('BACKUP', again);
  await refused(t, jobs.jobs.start('BACKUP', again), 'JOB_RUNNING');
});

test('where the location cannot be seen, and where nothing was stored yet, memory says what can be resumed', async (t) => {
  const jobs = rig(t);
  await made(jobs, ({ phase }) => (phase === 'backup' ? error('NO_SPACE', 'disk full') : undefined));
  for (const state of ['UNKNOWN', 'ABSENT'] as const) {
    jobs.found = { state, message: null };
    const job = await jobs.jobs.start('BACKUP', again);
    finish(jobs, ({ phase }) => (phase === 'backup' ? error('NO_SPACE', 'disk full') : undefined));
    t.is(jobs.jobs.get(job.id)?.result, 'FAILURE');
  }
});

test('parts of different backups, or of different records, are never put together', async (t) => {
  for (const script of [
    goingOn((executorId) => ({ origin: executorId, recordSha256: null })),
    goingOn((executorId) => ({ origin: 'one', recordSha256: executorId })),
  ]) {
    const jobs = rig(t);
    await made(jobs);
    jobs.found = { state: 'INCOMPLETE', message: null };
    await jobs.jobs.start('BACKUP', again);
    const ended = finish(jobs, script);
    t.is(ended.result, 'FAILURE');
    t.is(ended.errors[0]?.code, 'BACKUP_DAMAGED');
    t.true(ended.phases.find(({ name }) => name === 'commit')?.steps.every(({ state }) => state === 'SKIPPED'));
  }
});

test('once a node has left the cluster a backup cannot be resumed; one that was replaced is no hindrance', async (t) => {
  const jobs = rig(t);
  await made(jobs);
  jobs.found = { state: 'INCOMPLETE', message: null };
  jobs.state.nodes.save(node(1, { targetRunState: 'TERMINATE' }));
  const { message } = await refused(t, jobs.jobs.start('BACKUP', again), 'TOPOLOGY_MISMATCH');
  t.regex(message, /node\.1\.executor left the cluster/);
  jobs.state.nodes.save(node(2, { replaces: '127.0.0.2' }));
  const job = await jobs.jobs.start('BACKUP', again);
  t.deepEqual(
    job.phases[0]?.steps.map(({ executorId }) => executorId),
    [id(0), id(2)],
  );
});

test('a partial backup stays one when the job that resumes it comes to nothing', async (t) => {
  const jobs = rig(t);
  await made(jobs);
  jobs.found = { state: 'UNKNOWN', message: null };
  await jobs.jobs.start('BACKUP', again);
  const entry = () => jobs.state.backups.find('file:///backup', 'b1');
  t.is(entry()?.state, 'RUNNING');
  jobs.jobs.abort('BACKUP', false);
  t.is(finish(jobs).result, 'ABORTED');
  t.is(entry()?.state, 'PARTIAL');
  t.deepEqual(entry()?.summary?.nodes, [id(0)]);
  t.is((await jobs.jobs.start('RESTORE', { name: 'b1', keyspaces: ['ks1'] })).type, 'RESTORE');
});
