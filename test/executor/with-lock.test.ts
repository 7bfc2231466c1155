import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withLock } from '../../src/executor/with-lock.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { LocationLock } from '../../src/storage/location-lock.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { deferred } from '../helpers/directory-server.ts';
import { crashStepAt } from '../helpers/crash-at.ts';
import { runStepAt } from '../helpers/run-step-at.ts';
import { backUp, commitOf, EXECUTOR_ID, makeHost, storePart, type Host } from '../helpers/step-context.ts';

const OTHER = 'cassandra.dev.node.1.executor';
const LOCKS = join('backup', 'dev', 'backups', 'lock');

async function backedUpHost(t: ExecutionContext, ...names: string[]): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  for (const backupName of names) await backUp(host, { backupName, jobUuid: `job of ${backupName}` });
  return host;
}

const remove = (scheduler: string): Partial<StepRequest> => ({
  scheduler,
  type: 'DELETE',
  phase: 'delete',
  jobUuid: `deletion of ${scheduler}`,
});

async function takeAs(host: Host, scheduler: string): Promise<LocationLock> {
  const job = { jobUuid: 'backup', jobId: 7, jobType: 'BACKUP', hostname: 'slave0', since: 0 } as const;
  return LocationLock.take(host.storage, 'dev', { scheduler, ...job });
}

test('a step of a second scheduler touches nothing while the first works there, and may once that is done', async (t) => {
  const host = await backedUpHost(t, 'monday', 'tuesday');
  const location = join(host.root, 'backup');
  const lock = await takeAs(host, 'one');
  const { state, report } = await runStepAt(location, remove('two'));
  t.is(state, 'TASK_FAILED');
  t.like(report.errors[0], { code: 'LOCATION_LOCKED' });
  t.true(readdirSync(join(location, 'dev', 'backups')).includes('monday.json'));
  await lock.release();
  t.is((await runStepAt(location, remove('two'))).state, 'TASK_FINISHED');
  t.is((await runStepAt(location, { ...remove('one'), backupName: 'absent' })).state, 'TASK_FINISHED');
});

test('the second node of a job finds nothing left to be done where both see the same place', async (t) => {
  const host = await backedUpHost(t);
  const works: string[] = [];
  const sweep = async (executorId: string, jobUuid: string): Promise<void> =>
    withLock(host.context({ scheduler: 'one', type: 'SWEEP', phase: 'sweep', jobUuid, executorId }), async () => {
      works.push(`${executorId} ${jobUuid}`);
    });
  await sweep('node 0', 'first');
  await sweep('node 1', 'first');
  // Its report was lost, so it is asked again.
  await sweep('node 0', 'first');
  await sweep('node 1', 'second');
  t.deepEqual(works, ['node 0 first', 'node 0 first', 'node 1 second']);
});

test('a phase that failed is not done, and the lock stays with the job', async (t) => {
  const host = await backedUpHost(t);
  const context = host.context({ scheduler: 'one', type: 'PRUNE', phase: 'prune', executorId: 'node 0' });
  await t.throwsAsync(
    withLock(context, () => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  );
  await t.throwsAsync(takeAs(host, 'two'), { code: 'LOCATION_LOCKED' });
  let works = 0;
  await withLock({ ...context, request: { ...context.request, executorId: OTHER } }, async () => {
    works += 1;
  });
  t.is(works, 1);
  await t.notThrowsAsync(takeAs(host, 'two'));
});

test('a backup keeps the location from its first step to its record', async (t) => {
  const host = await backedUpHost(t);
  const record = await storePart(host);
  const backup: Partial<StepRequest> = { scheduler: 'one', jobUuid: record.jobUuid, ...commitOf(record) };
  const location = join(host.root, 'backup');
  t.is((await runStepAt(location, { ...backup, phase: 'confirm' })).state, 'TASK_FINISHED');
  await t.throwsAsync(takeAs(host, 'two'), { code: 'LOCATION_LOCKED' });
  t.is((await runStepAt(location, backup)).state, 'TASK_FINISHED');
  await t.notThrowsAsync(takeAs(host, 'two'));
});

test('a step at work gives a sign of life every minute, also when the clock of its host is set back', async (t) => {
  const host = await backedUpHost(t);
  const clock = new HandClock();
  const done = deferred();
  const step = withLock(host.context({ scheduler: 'one' }, { clock }), async () => done.promise);
  const renewals = (): number =>
    (JSON.parse(readFileSync(join(host.root, LOCKS, '1.json'), 'utf8')) as { renewals: number }).renewals;
  for (let sign = 1; sign <= 3; sign += 1) {
    while (clock.sleeping === 0) await new Promise(setImmediate);
    clock.set(clock.now() - 3_600_000);
    await clock.pass(60_000);
    while (clock.sleeping === 0) await new Promise(setImmediate);
    t.is(renewals(), sign);
  }
  done.resolve();
  await step;
});

test('a step that slept while its lock was given to another ends when it wakes', async (t) => {
  const host = await backedUpHost(t);
  const clock = new HandClock();
  const step = withLock(host.context({ scheduler: 'one' }, { clock }), async ({ signal }) => {
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  while (clock.sleeping === 0) await new Promise(setImmediate);
  const longAgo = Date.now() / 1000 - 3700;
  utimesSync(join(host.root, LOCKS, '1.json'), longAgo, longAgo);
  await takeAs(host, 'two');
  await clock.pass(60_000);
  await t.throwsAsync(step, { code: 'LOCATION_LOCKED', message: /another scheduler, two/ });
});

test('a location that cannot be written to is read all the same, and nothing else is done there', async (t) => {
  const host = await backedUpHost(t, 'monday');
  const folder = join(host.root, LOCKS);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(host.root, 'backup', 'dev', 'backups'), { recursive: true });
  writeFileSync(folder, 'no folder');
  const done: string[] = [];
  const work = (phase: StepRequest['phase']): Promise<void> =>
    withLock(host.context({ scheduler: 'one', type: 'RESTORE', phase }), async () => {
      done.push(phase);
    });
  for (const phase of ['check', 'stage', 'load'] as const) await work(phase);
  t.deepEqual(done, ['check', 'stage', 'load']);
  await t.throwsAsync(work('delete'), { code: 'STORAGE_FAILED' });
});

test('in the middle of a renaming nothing is deleted, for half of it has no record', async (t) => {
  const host = await backedUpHost(t, 'monday', 'tuesday');
  const location = join(host.root, 'backup');
  const request = {
    type: 'RENAME',
    phase: 'rename',
    backupName: '',
    renameFrom: EXECUTOR_ID,
    renameTo: OTHER,
  } as const;
  const isBegun = () => readdirSync(join(location, 'dev')).includes(OTHER);
  for (let at = 1; !isBegun(); at += 1) t.true(await crashStepAt({ at, below: location }, location, request));
  const before = readdirSync(location, { recursive: true }).length;
  for (const phase of ['delete', 'prune', 'sweep'] as const) {
    const type = phase === 'delete' ? 'DELETE' : phase === 'prune' ? 'PRUNE' : 'SWEEP';
    const { state, message } = await runStepAt(location, {
      ...remove('one'),
      type,
      phase,
      names: ['monday'],
      graceMs: 0,
    });
    t.is(state, 'TASK_FAILED', phase);
    t.regex(message, /nothing is deleted now: the renaming of .* run it again/);
  }
  t.true(readdirSync(location, { recursive: true }).length >= before);
  t.is((await runStepAt(location, request)).state, 'TASK_FINISHED');
  t.is((await runStepAt(location, remove('one'))).state, 'TASK_FINISHED');
});
