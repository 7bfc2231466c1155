import test, { type ExecutionContext } from 'ava';
import { BackupCatalogue } from '../../src/jobs/backup-catalogue.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import { ScheduleRunner } from '../../src/jobs/schedule-runner.ts';
import { newSchedule } from '../../src/jobs/schedules.ts';
import { OperatorError } from '../../src/errors.ts';
import { createLogger } from '../../src/log.ts';
import type { ClusterJob, JobResult } from '../../src/model/cluster-job.ts';
import { emptySummary } from '../../src/model/backup-summary.ts';
import type { ScheduleSpec } from '../../src/model/schedule.ts';
import type { State } from '../../src/state/database.ts';
import { newState } from '../state/helpers.ts';
import { node } from './helpers.ts';

const MIDNIGHT = Date.parse('2026-11-20T00:00Z');
const THREE = Date.parse('2026-11-20T03:00Z');
const NAME = 'nightly-20261120T030000Z';

const nightly: ScheduleSpec = {
  name: 'nightly',
  cron: '0 3 * * *',
  timeZone: 'UTC',
  overlap: 'wait',
  missed: 'run',
  jitterMs: 0,
  namePattern: '{schedule}-{time}',
  parameters: { keyspaces: ['shop'] },
  retention: { keepLast: 1, timeZone: 'UTC' },
  maxAgeMs: null,
};

const nothing = () => Promise.resolve({ seen: true as const, found: null });

/** A scheduler's schedules, turned by hand; `old`: backups that lie at the location. */
function rig(t: ExecutionContext, { spec = nightly, old = [] as string[] } = {}) {
  const state = newState(t);
  state.nodes.save(node(0));
  state.schedules.save(newSchedule(spec, MIDNIGHT));
  const time = { now: MIDNIGHT };
  const clock = { now: () => time.now, sleep: () => Promise.resolve() };
  const jobs = () =>
    new ClusterJobs({
      state,
      clock,
      cluster: 'dev',
      defaultLocation: 'file:///backup',
      wake: () => undefined,
      findBackup: () => Promise.resolve({ state: 'UNKNOWN', message: null }),
    });
  const list = () =>
    Promise.resolve({
      seen: true as const,
      found: old.map((name, n) => ({ ...emptySummary(name, 'COMPLETE', null, []), started: n, finished: n })),
    });
  const backups = new BackupCatalogue({
    state,
    clock,
    defaultLocation: 'file:///backup',
    reader: {
      list,
      read: nothing,
      foreign: () => Promise.resolve({ seen: true, found: [] }),
      ownBytes: () => null,
      countOwnBytes: () => Promise.resolve(null),
    },
  });
  /** As a scheduler that has just started. */
  const runner = (changes: { jobs?: Pick<ClusterJobs, 'start'>; state?: State } = {}) =>
    new ScheduleRunner({ state, jobs: jobs(), backups, clock, log: createLogger('test', 'silent'), ...changes });
  return { state, time, runner, jobs };
}

function finish(state: State, result: JobResult): ClusterJob {
  const job = state.jobs.running();
  if (job === null) throw new Error('no job runs');
  const after = { ...job, finished: job.started + 1, result };
  state.jobs.save(after, job);
  return after;
}

test('a backup is started at its time, and what became of it is remembered', async (t) => {
  const { state, time, runner } = rig(t);
  await runner().look();
  t.is(state.jobs.running(), null);
  time.now = THREE;
  await runner().look();
  t.like(state.jobs.running(), {
    type: 'BACKUP',
    backupName: NAME,
    parameters: { schedule: 'nightly', keyspaces: ['shop'] },
  });
  await runner().look();
  const { id } = finish(state, 'PARTIAL');
  await runner().look();
  t.like(state.schedules.get('nightly'), {
    current: null,
    lastSuccess: null,
    failures: 1,
    lastRun: { job: id, result: 'PARTIAL' },
  });
  time.now += 24 * 3_600_000;
  await runner().look();
  finish(state, 'SUCCESS');
  await runner().look();
  t.like(state.schedules.get('nightly'), { failures: 0, lastSuccess: time.now + 1, lastRun: { result: 'SUCCESS' } });
});

test('after a success, and only then, what its retention lets go of its own backups is pruned', async (t) => {
  const { state, time, runner } = rig(t, {
    old: ['nightly-20261118T030000Z', 'by-hand', 'nightly-20261119T030000Z', 'nightly-20261119T030000Z.copy'],
  });
  time.now = THREE;
  await runner().look();
  finish(state, 'FAILURE');
  await runner().look();
  t.is(state.jobs.running(), null);
  time.now += 24 * 3_600_000;
  await runner().look();
  finish(state, 'SUCCESS');
  await runner().look();
  t.like(state.jobs.running(), {
    type: 'PRUNE',
    parameters: { names: ['nightly-20261118T030000Z'], schedule: 'nightly' },
  });
  finish(state, 'SUCCESS');
  await runner().look();
  t.is(state.jobs.running(), null);
  t.false(state.schedules.get('nightly')?.pruneDue);
});

test('a run that waits begins when the other job has ended', async (t) => {
  const { state, time, runner, jobs } = rig(t);
  await jobs().start('CLEANUP', {});
  time.now = THREE;
  await runner().look();
  t.like(state.jobs.running(), { type: 'CLEANUP' });
  finish(state, 'SUCCESS');
  time.now += 2 * 3_600_000;
  await runner().look();
  t.like(state.jobs.running(), { type: 'BACKUP', backupName: NAME });
});

test('a run that cannot be started is a failure with its reason', async (t) => {
  const { state, time, runner } = rig(t, {
    spec: { ...nightly, parameters: { nodes: ['cassandra.dev.node.9.executor'] } },
  });
  time.now = THREE;
  await runner().look();
  t.like(state.schedules.get('nightly'), { current: null, failures: 1, lastRun: { result: 'FAILURE', job: null } });
  t.regex(state.schedules.get('nightly')?.lastRun?.message ?? '', /node\.9/);
});

/** The power fails at the n-th thing that is stored: before it, or just after. */
for (const when of ['before', 'after'] as const) {
  test(`a scheduler that ends ${when} any of its transitions makes each backup once, and loses none`, async (t) => {
    let cuts = 0;
    for (let at = 1; ; at += 1) {
      const { state, time, runner } = rig(t);
      time.now = THREE;
      let stored = 0;
      const failing: State = {
        ...state,
        transaction(fn) {
          stored += 1;
          if (stored > at || (stored === at && when === 'before')) throw new Error('power failed');
          const value = state.transaction(fn);
          if (stored === at) throw new Error('power failed');
          return value;
        },
      };
      const cut = runner({
        state: failing,
        jobs: new ClusterJobs(depsOf(failing, time)),
      });
      // What fails after the cut is the end of the process.
      await Promise.allSettled([cut.look()]);
      const isCut = stored >= at;
      await runner().look();
      await runner().look();
      t.like(state.jobs.running(), { type: 'BACKUP', backupName: NAME }, `cut ${when} ${at}`);
      t.is(state.jobs.list(10).length, 1);
      finish(state, 'SUCCESS');
      await runner().look();
      t.like(state.schedules.get('nightly'), { failures: 0, lastRun: { result: 'SUCCESS' } }, `cut ${when} ${at}`);
      if (!isCut) break;
      cuts += 1;
    }
    t.true(cuts >= 3);
  });
}

function depsOf(state: State, time: { now: number }) {
  return {
    state,
    clock: { now: () => time.now, sleep: () => Promise.resolve() },
    cluster: 'dev',
    defaultLocation: 'file:///backup',
    wake: () => undefined,
    findBackup: () => Promise.resolve({ state: 'UNKNOWN' as const, message: null }),
  };
}

test('a backup of a planned time that is there already, as after a clock was set back, is no failure', async (t) => {
  const { state, time, runner } = rig(t);
  const jobs = { start: () => Promise.reject(new OperatorError('NAME_TAKEN', 'the name is used')) };
  time.now = THREE;
  await runner({ jobs }).look();
  t.like(state.schedules.get('nightly'), { current: null, failures: 0, lastRun: { result: 'SKIPPED', job: null } });
  t.regex(state.schedules.get('nightly')?.lastRun?.message ?? '', /nightly-20261120T030000Z was made before/);
});
