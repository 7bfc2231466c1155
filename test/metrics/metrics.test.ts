import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Metrics } from '../../src/metrics/metrics.ts';
import { openState } from '../../src/state/database.ts';
import { error, failedKeyspace, id, keyspace, manifest, report, START } from '../jobs/helpers.ts';
import { finish, rig, type Rig } from '../jobs/rig.ts';
import type { Script } from '../jobs/ticker.ts';
import { statePath } from '../state/helpers.ts';
import { samples } from './samples.ts';

function observed({ state, jobs }: Pick<Rig, 'state' | 'jobs'>): Metrics {
  const metrics = new Metrics();
  metrics.observe({ state, jobs, waiting: () => [{ executorId: id(0), kind: 'step', reason: 'no offer came yet' }] });
  return metrics;
}

/** Runs a backup to its end, at which it is `now`. */
async function backUp(made: Rig, name: string, script: Script = keyspaces('shop', 'blog')): Promise<number> {
  await made.jobs.start('BACKUP', { name });
  const { finished } = finish(made, script);
  await setImmediate();
  return (finished ?? 0) / 1000;
}

/** Every node has these. */
const keyspaces =
  (...names: string[]): Script =>
  ({ phase, executorId }) =>
    phase === 'backup'
      ? report({
          keyspaces: Object.fromEntries(names.map((name) => [name, keyspace()])),
          manifest: manifest(executorId),
        })
      : undefined;

/** The second node could not store blog. */
const blogFails: Script = (step) => {
  if (step.phase !== 'backup' || step.executorId !== id(1)) return keyspaces('shop', 'blog')(step);
  const errors = [error('NO_SPACE', 'disk full', { keyspace: 'blog' })];
  const found = { shop: keyspace(), blog: failedKeyspace('disk full') };
  return report({ keyspaces: found, errors, manifest: manifest(step.executorId) });
};

const of = (metric: string, node: number, name: string): string =>
  `cassandra_mesos_${metric}{node="${id(node)}",keyspace="${name}"}`;
const LAST = 'backup_last_success_timestamp_seconds';

test('Each keyspace of each node shows its last success, and one that failed the success before that', async (t) => {
  const made = rig(t);
  const metrics = observed(made);
  const first = await backUp(made, 'monday');
  made.now += 3_600_000;
  const second = await backUp(made, 'tuesday', blogFails);
  const shown = samples(await metrics.render());
  t.is(shown.get(of(LAST, 1, 'blog')), first);
  for (const [node, name] of [
    [0, 'shop'],
    [0, 'blog'],
    [1, 'shop'],
  ] as const)
    t.is(shown.get(of(LAST, node, name)), second);
  t.is(shown.get(of('backup_failures_total', 1, 'blog')), 1);
  t.is(shown.get(of('backup_failures_total', 0, 'blog')), 0);
  t.is(shown.get(of('backup_last_bytes', 0, 'shop')), 100);
  t.is(shown.get(of('backup_last_duration_seconds', 0, 'shop')), 0.005);
  t.is(shown.get('cassandra_mesos_jobs_total{type="BACKUP",result="SUCCESS"}'), 1);
  t.is(shown.get('cassandra_mesos_jobs_total{type="BACKUP",result="PARTIAL"}'), 1);
});

test('A scheduler that starts again knows the last successes, also those from before failures', async (t) => {
  const path = statePath(t);
  const before = openState(path);
  const made = rig(t, 2, before);
  const first = await backUp(made, 'monday');
  await backUp(made, 'tuesday', blogFails);
  const last = await backUp(made, 'wednesday', blogFails);
  before.close();
  const state = openState(path);
  t.teardown(() => state.close());
  const again = rig(t, 2, state);
  const shown = samples(await observed(again).render());
  t.is(shown.get(of(LAST, 1, 'blog')), first);
  t.is(shown.get(of(LAST, 1, 'shop')), last);
  t.is(shown.get(of('backup_failures_total', 1, 'blog')), 0);
});

test('A node that failed as a whole failed with each of its keyspaces; a FAILURE leaves no success', async (t) => {
  const made = rig(t);
  const metrics = observed(made);
  const first = await backUp(made, 'monday');
  await backUp(made, 'tuesday', ({ phase }) =>
    phase === 'backup' ? error('STORAGE_FAILED', 'not mounted') : undefined,
  );
  const shown = samples(await metrics.render());
  t.is(shown.get('cassandra_mesos_jobs_total{type="BACKUP",result="FAILURE"}'), 1);
  for (const name of ['shop', 'blog']) {
    t.is(shown.get(of(LAST, 0, name)), first);
    t.is(shown.get(of('backup_failures_total', 0, name)), 1);
  }
});

test('What was dropped, and nodes that left the ring, are shown no more', async (t) => {
  const made = rig(t);
  const metrics = observed(made);
  await backUp(made, 'monday');
  await backUp(made, 'tuesday', keyspaces('shop'));
  const [, second] = made.state.nodes.all();
  if (second) made.state.nodes.save({ ...second, targetRunState: 'TERMINATE' });
  const shown = samples(await metrics.render());
  t.true(shown.has(of(LAST, 0, 'shop')));
  t.false(shown.has(of(LAST, 0, 'blog')));
  t.false(shown.has(of(LAST, 1, 'shop')));
});

test('The job that runs, nodes, needs, backups and schedules are shown as they are now', async (t) => {
  const made = rig(t);
  const metrics = observed(made);
  await made.jobs.start('BACKUP', { name: 'monday' });
  const [, second] = made.state.nodes.all();
  if (second) made.state.nodes.save({ ...second, serverState: 'STARTING' });
  made.state.schedules.save({
    name: 'nightly',
    cron: '0 3 * * *',
    timeZone: 'UTC',
    overlap: 'skip',
    missed: 'skip',
    jitterMs: 0,
    namePattern: '{schedule}-{time}',
    parameters: {},
    retention: null,
    maxAgeMs: null,
    paused: false,
    created: START,
    decided: START,
    current: null,
    pruneDue: false,
    lastRun: null,
    lastSuccess: START,
    failures: 2,
  });
  const shown = samples(await metrics.render());
  t.is(shown.get('cassandra_mesos_job_running{type="BACKUP"}'), 1);
  t.is(shown.get('cassandra_mesos_nodes{state="RUNNING"}'), 1);
  t.is(shown.get('cassandra_mesos_nodes{state="STARTING"}'), 1);
  t.is(shown.get('cassandra_mesos_nodes_ready'), 1);
  t.is(shown.get('cassandra_mesos_needs_waiting{kind="step"}'), 1);
  t.is(shown.get('cassandra_mesos_backups{state="RUNNING"}'), 1);
  t.is(shown.get('cassandra_mesos_schedule_consecutive_failures{schedule="nightly"}'), 2);
  t.is(shown.get('cassandra_mesos_schedule_last_success_timestamp_seconds{schedule="nightly"}'), START / 1000);
  t.true((shown.get('cassandra_mesos_schedule_next_run_timestamp_seconds{schedule="nightly"}') ?? 0) > START / 1000);
  finish(made);
  await setImmediate();
  t.false(samples(await metrics.render()).has('cassandra_mesos_job_running{type="BACKUP"}'));
});

test('Every metric has one help and one type, and none is said twice', async (t) => {
  const made = rig(t);
  const metrics = observed(made);
  await backUp(made, 'monday');
  const text = await metrics.render();
  const heads = (word: string) =>
    [...text.matchAll(new RegExp(`^# ${word} (\\S+) `, 'gm'))].map(([, name = '']) => name);
  t.deepEqual(heads('HELP'), heads('TYPE'));
  t.is(new Set(heads('TYPE')).size, heads('TYPE').length);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  t.is(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size, lines.length);
});
