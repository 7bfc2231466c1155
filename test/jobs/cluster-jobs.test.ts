import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import { openState } from '../../src/state/database.ts';
import { newState, statePath } from '../state/helpers.ts';
import { CLUSTER, id, LIMITS, nodes, START } from './helpers.ts';
import { finish, refused, rig } from './rig.ts';
import { Ticker } from './ticker.ts';

test('a backup starts with what was asked for, and wakes the scheduler', async (t) => {
  const made = rig(t);
  const job = await made.jobs.start('BACKUP', {
    name: 'b1',
    location: 'file:///other/',
    keyspaces: ['ks1', 'ks1'],
    tables: ['ks2.t'],
    nodes: [id(1)],
    snapshot: 'together',
  });
  t.like(job, { type: 'BACKUP', backupName: 'b1', location: 'file:///other', started: START, finished: null });
  t.deepEqual(job.parameters, {
    keyspaces: ['ks1'],
    tables: ['ks2.t'],
    nodes: [id(1)],
    strategy: 'serial',
    concurrency: 1,
    snapshot: 'together',
    mode: 'incremental',
    rehash: false,
  });
  t.deepEqual(made.jobs.running(), job);
  t.deepEqual(made.jobs.get(job.id), job);
  t.is(made.wakes, 1);
  t.deepEqual(made.asked, ['file:///other b1']);
  t.like(made.state.backups.find('file:///other', 'b1'), { state: 'RUNNING', jobId: job.id, finished: null });
});

test('a backup without a name is named by the time', async (t) => {
  const { backupName, location } = await rig(t).jobs.start('BACKUP', {});
  t.deepEqual([backupName, location], [`backup-${START}`, 'file:///backup']);
});

test('a parallel job uses as many nodes as it was told, or all', async (t) => {
  const made = rig(t, 3);
  t.is((await made.jobs.start('BACKUP', { strategy: 'parallel' })).parameters.concurrency, 3);
  finish(made);
  t.is(
    (await made.jobs.start('BACKUP', { strategy: 'parallel', concurrency: 2, name: 'x' })).parameters.concurrency,
    2,
  );
  finish(made);
  t.is(
    (await made.jobs.start('BACKUP', { strategy: 'parallel', concurrency: 99, name: 'y' })).parameters.concurrency,
    3,
  );
});

test('a cluster without nodes cannot be backed up', async (t) => {
  await refused(t, rig(t, 0).jobs.start('BACKUP', {}), 'NODE_DOWN');
});

test('while a job runs every other start is refused by its name', async (t) => {
  const made = rig(t);
  const { id: running } = await made.jobs.start('BACKUP', { name: 'b1' });
  for (const [type, name] of [
    ['BACKUP', 'b2'],
    ['RESTORE', 'b1'],
  ] as const) {
    const { details, message } = await refused(t, made.jobs.start(type, { name }), 'JOB_RUNNING');
    t.deepEqual(details, { job: running });
    t.regex(message, /BACKUP b1/);
  }
});

test('of several starts at the same moment exactly one wins', async (t) => {
  const made = rig(t);
  const starts = ['a', 'b', 'c', 'd'].map((name) => made.jobs.start('BACKUP', { name }));
  const results = await Promise.allSettled(starts);
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results) {
    if (result.status === 'rejected') t.is((result.reason as OperatorError).code, 'JOB_RUNNING');
  }
  t.is(made.jobs.list().length, 1);
});

test('a location that cannot be asked starts nothing', async (t) => {
  const state = newState(t);
  for (const one of nodes(1)) state.nodes.save(one);
  const jobs = new ClusterJobs({
    state,
    clock: { now: () => START, sleep: () => Promise.resolve() },
    cluster: CLUSTER,
    defaultLocation: 'file:///backup',
    wake: () => t.fail(),
    findBackup: () => Promise.reject(new OperatorError('STORAGE_FAILED', 'no answer')),
  });
  await refused(t, jobs.start('BACKUP', {}), 'STORAGE_FAILED');
  t.is(jobs.running(), null);
});

test('abort is for the running job of the type, once, and can become now', async (t) => {
  const made = rig(t);
  t.false(made.jobs.abort('BACKUP', false));
  await made.jobs.start('BACKUP', { name: 'b1' });
  t.false(made.jobs.abort('RESTORE', true));
  t.is(made.wakes, 1);
  t.true(made.jobs.abort('BACKUP', false));
  t.false(made.jobs.abort('BACKUP', false));
  t.true(made.jobs.abort('BACKUP', true));
  t.false(made.jobs.abort('BACKUP', true));
  t.like(made.jobs.running(), { aborted: true, abortNow: true });
  t.is(made.wakes, 3);
  finish(made);
  t.false(made.jobs.abort('BACKUP', false));
});

test('running and last are asked for by type', async (t) => {
  const made = rig(t);
  const backup = await made.jobs.start('BACKUP', { name: 'b1' });
  t.deepEqual([made.jobs.running('BACKUP')?.id, made.jobs.running('RESTORE')], [backup.id, null]);
  t.is(made.jobs.last('BACKUP'), null);
  finish(made);
  made.found = { state: 'COMPLETE', message: null };
  const restore = await made.jobs.start('RESTORE', { name: 'b1' });
  t.deepEqual([made.jobs.running('BACKUP'), made.jobs.running('RESTORE')?.id], [null, restore.id]);
  t.is(made.jobs.last('BACKUP')?.id, backup.id);
  t.deepEqual(
    made.jobs.list().map((job) => job.id),
    [restore.id, backup.id],
  );
  t.deepEqual(
    made.jobs.list(1).map((job) => job.id),
    [restore.id],
  );
});

test('an update that fails, or of a job that is not there, stores nothing', async (t) => {
  const made = rig(t);
  const job = await made.jobs.start('BACKUP', {});
  t.throws(
    () =>
      made.jobs.update(job.id, () => {
        throw new Error('rule');
      }),
    { message: 'rule' },
  );
  t.deepEqual(made.jobs.get(job.id), job);
  t.throws(() => made.jobs.update(99, (same) => same), { instanceOf: OperatorError });
});

test('a job goes on after its scheduler was away, however long', async (t) => {
  const path = statePath(t);
  const first = rig(t, 2, openState(path));
  const { id: jobId } = await first.jobs.start('BACKUP', { name: 'b1' });
  const turned = new Ticker(first.jobs.running() ?? t.fail('no job'), nodes(2)).tick();
  first.jobs.update(jobId, () => turned.job);
  first.state.close();

  const state = openState(path);
  t.teardown(() => state.close());
  const second = rig(t, 2, state, START + 100 * LIMITS.silenceMs);
  turned.job = second.jobs.running() ?? t.fail('no job');
  turned.now = second.now;
  turned.tick();
  t.deepEqual(turned.active(), ['preflight 0', 'preflight 1']);
  t.deepEqual([...turned.kills], []);
  t.is(finish(second).result, 'SUCCESS');
});
