import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import { emptyReport, type DeletionReport, type PruneReport, type StepReport } from '../../src/model/step.ts';
import { CLUSTER, down, error, id, node, planned } from './helpers.ts';
import { finish, refused, rig, type Rig } from './rig.ts';
import { launchOrder, Ticker, ticker } from './ticker.ts';

const deleted = (change: Partial<DeletionReport> = {}): StepReport => ({
  ...emptyReport(),
  deletion: { found: true, whole: false, files: 1, kept: 0, ...change },
});

test('one node that saw all of the backup has deleted it, and nobody else need look', (t) => {
  const turned = ticker('DELETE', 3, { force: true });
  const job = turned.run();
  t.is(job.result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), ['delete 0']);
  t.deepEqual(turned.states('delete'), ['SUCCESS', 'SKIPPED', 'SKIPPED']);
  t.is(stepRequest(job, 0, 0, CLUSTER).force, true);
  t.like(jobJson(job, []), { progress: 1, errors: [] });
});

test('a node that is stopped is not missed where another one has deleted everything', (t) => {
  const cluster = [{ ...down(0), targetRunState: 'STOP' as const }, node(1)];
  const job = new Ticker(planned('DELETE', cluster), cluster).run();
  t.is(job.result, 'SUCCESS');
  t.deepEqual(jobJson(job, cluster).errors, []);
});

test('where each node has a directory of its own, each deletes its part', (t) => {
  const turned = ticker('DELETE', 3);
  t.is(turned.run(() => deleted()).result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), ['delete 0', 'delete 1', 'delete 2']);
});

test('what could not be deleted on a node of its own directory makes it partial', (t) => {
  const job = ticker('DELETE', 2).run(({ executorId }) =>
    executorId === id(1) ? error('STORAGE_FAILED', 'read-only') : deleted(),
  );
  t.is(job.result, 'PARTIAL');
  t.like(jobJson(job, []).errors, [{ code: 'STORAGE_FAILED', executorId: id(1) }]);
});

test('files that other backups need are said to stay', (t) => {
  const job = ticker('DELETE', 1).run(() => deleted({ whole: true, kept: 2 }));
  t.is(job.result, 'SUCCESS');
  t.like(jobJson(job, []), { filesKept: 2, errors: [] });
});

test('a backup of which no node found anything was none', (t) => {
  const job = ticker('DELETE', 2).run(() => deleted({ found: false, files: 0 }));
  t.is(job.result, 'FAILURE');
  t.like(job.errors, [{ code: 'BACKUP_NOT_FOUND' }]);
  // An attempt that was lost may have done it.
  const retried = ticker('DELETE', 1).run(({ attempt }) => (attempt === 1 ? 'LOST' : deleted({ found: false })));
  t.is(retried.result, 'SUCCESS');
});

async function madeBackup(made: Rig): Promise<void> {
  await made.jobs.start('BACKUP', { name: 'b1' });
  finish(made);
  made.found = { state: 'UNKNOWN', message: null };
}

test('a deleted backup is forgotten and its name is free', async (t) => {
  const made = rig(t);
  await madeBackup(made);
  await refused(t, made.jobs.start('BACKUP', { name: 'b1' }), 'NAME_TAKEN');
  await made.jobs.start('DELETE', { name: 'b1' });
  finish(made);
  t.is(made.state.backups.find('file:///backup', 'b1'), null);
  await t.notThrowsAsync(made.jobs.start('BACKUP', { name: 'b1' }));
});

test('a deletion that was cut is remembered: its backup can only be deleted', async (t) => {
  const made = rig(t);
  await madeBackup(made);
  await made.jobs.start('DELETE', { name: 'b1' });
  finish(made, ({ executorId }) => (executorId === id(0) ? deleted() : error('STORAGE_FAILED', 'read-only')));
  t.is(made.state.backups.find('file:///backup', 'b1')?.state, 'DELETING');
  await refused(t, made.jobs.start('RESTORE', { name: 'b1' }), 'BACKUP_INCOMPLETE');
  await refused(t, made.jobs.start('VERIFY', { name: 'b1' }), 'BACKUP_INCOMPLETE');
  await refused(t, made.jobs.start('BACKUP', { name: 'b1' }), 'NAME_TAKEN');
  await t.notThrowsAsync(made.jobs.start('DELETE', { name: 'b1' }));
});

test('a deletion that was refused changes nothing', async (t) => {
  const made = rig(t);
  await madeBackup(made);
  await made.jobs.start('DELETE', { name: 'b1' });
  finish(made, () => error('BACKUP_NEEDED', 'it is the only whole one'));
  t.is(made.state.backups.find('file:///backup', 'b1')?.state, 'COMPLETE');
});

test('while a backup is made, restored or verified, none is deleted; what is not there is not found', async (t) => {
  const made = rig(t);
  await refused(t, made.jobs.start('DELETE', { name: 'b1' }), 'BACKUP_NOT_FOUND');
  await made.jobs.start('BACKUP', { name: 'b1' });
  await refused(t, made.jobs.start('DELETE', { name: 'b1' }), 'JOB_RUNNING');
  finish(made);
  made.found = { state: 'COMPLETE', message: null };
  for (const type of ['RESTORE', 'VERIFY'] as const) {
    await made.jobs.start(type, { name: 'b1' });
    await refused(t, made.jobs.start('DELETE', { name: 'b1' }), 'JOB_RUNNING');
    finish(made);
  }
  made.found = { state: 'INCOMPLETE', message: null };
  await t.notThrowsAsync(made.jobs.start('DELETE', { name: 'b1' }));
});

const pruned = (change: Partial<PruneReport> = {}): StepReport => ({
  ...emptyReport(),
  prune: { whole: false, deleted: ['monday'], kept: [], files: 1, filesKept: 0, ...change },
});

test('a pruning ends with the first node that saw all of it, and shows what is gone', (t) => {
  const turned = ticker('PRUNE', 3, { names: ['monday'] });
  const job = turned.run(() => pruned({ whole: true }));
  t.is(job.result, 'SUCCESS');
  t.deepEqual(launchOrder(turned), ['prune 0']);
  t.like(jobJson(job, []), { deleted: ['monday'], kept: [], errors: [] });
});

test('a backup that had to stay on one node is not said to be gone, and the pruning is partial', (t) => {
  const job = ticker('PRUNE', 2, { names: ['monday', 'tuesday'] }).run(({ executorId }) =>
    executorId === id(0)
      ? pruned({ deleted: ['monday', 'tuesday'] })
      : pruned({ kept: [{ name: 'tuesday', reason: 'needed' }] }),
  );
  t.is(job.result, 'PARTIAL');
  t.like(jobJson(job, []), {
    deleted: ['monday'],
    errors: [{ code: 'BACKUP_NEEDED', message: 'tuesday stays: needed' }],
  });
});
