import test from 'ava';
import { NOW, startApi } from '../../api/helpers.ts';
import { ended } from '../../api/job-fixtures.ts';
import { cli } from '../helpers.ts';

const ID = 'cassandra.dev.node.0.executor';

test('Cleanup, repair and rolling restart are started, shown and aborted like a backup', async (t) => {
  for (const [command, title] of [
    ['cleanup', 'Cleanup'],
    ['repair', 'Repair'],
    ['rolling-restart', 'Rolling restart'],
  ] as const) {
    const api = await startApi(t);
    const noun = title.toLowerCase();
    t.is((await cli(api, command, 'last')).stdout, `No ${noun} has ended yet.\n`);
    const started = await cli(api, command, 'start', '--nodes', 'slave0,slave1');
    t.deepEqual([started.code, started.stdout], [0, `Started ${noun} as job 1; \`${command} status\` shows it.\n`]);
    const { stdout } = await cli(api, command, 'status');
    t.is(
      stdout.replace(/(?<=running for )\S+(?: \S+)?(?=, )/, 'a while'),
      [
        `${title} (job 1): RUNNING`,
        'Started 2027-01-15T08:00:00Z, running for a while, 0 of 2 nodes',
        '',
        'NODE                           STATUS',
        'cassandra.dev.node.0.executor  WAITING',
        'cassandra.dev.node.1.executor  WAITING',
        '',
      ].join('\n'),
    );
    t.is((await cli(api, command, 'abort')).code, 0);
    api.jobs.update(1, (job) => ended(job, 'ABORTED'));
    t.is((await cli(api, command, 'last')).code, 1);
  }
});

test('A job without keyspaces shows its nodes, how they ended and how long it took', async (t) => {
  const api = await startApi(t);
  await api.jobs.start('RESTART', {});
  const error = { executorId: ID, keyspace: null, table: null, code: 'TIMEOUT', message: 'not NORMAL in 10 minutes' };
  api.jobs.update(1, (job) => {
    const [phase] = job.phases;
    const steps = phase?.steps.map((step, node) => ({
      ...step,
      state: node === 0 ? ('FAILED' as const) : ('SUCCESS' as const),
      started: NOW,
      finished: NOW + 30_000,
      error: node === 0 ? error : null,
    }));
    return {
      ...job,
      result: 'PARTIAL',
      finished: NOW + 60_000,
      phases: phase ? [{ ...phase, steps: steps ?? [] }] : [],
    };
  });
  const { code, stdout } = await cli(api, 'rolling-restart', 'last');
  t.is(code, 3);
  t.is(
    stdout,
    [
      'Rolling restart (job 1): PARTIAL',
      'Started 2027-01-15T08:00:00Z, took 1m 0s, 3 of 3 nodes',
      '',
      'NODE                           STATUS   TIME',
      'cassandra.dev.node.0.executor  FAILURE  30s',
      'cassandra.dev.node.1.executor  DONE     30s',
      'cassandra.dev.node.2.executor  DONE     30s',
      '',
      'Errors:',
      '  cassandra.dev.node.0.executor: not NORMAL in 10 minutes (TIMEOUT)',
      '',
    ].join('\n'),
  );
});

test('A maintenance job has no name and no location to give', async (t) => {
  const api = await startApi(t);
  for (const option of ['--name', '--location', '--tables']) {
    const { code, stderr } = await cli(api, 'repair', 'start', option, 'x');
    t.is(code, 2);
    t.true(stderr.includes(`unknown option '${option}'`), stderr);
  }
  t.is(api.jobs.list().length, 0);
});
