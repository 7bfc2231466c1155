import { once } from 'node:events';
import test from 'ava';
import { NOW, startApi } from '../../api/helpers.ts';
import { ended, keyspace, withStep } from '../../api/job-fixtures.ts';
import { cli, startCli, startHere } from '../helpers.ts';

const ID = 'cassandra.dev.node.0.executor';

test('A backup is started with its parameters', async (t) => {
  const api = await startApi(t);
  const parameters = '--name b0 --keyspaces ks1,ks2 --nodes slave0 --location file:///x --snapshot together';
  const pace = '--strategy parallel --concurrency 1';
  const { code, stdout, stderr } = await startCli(t, ['backup', 'start', ...`${parameters} ${pace}`.split(' ')], {
    CASSANDRA_MESOS_URL: api.url,
  }).ends();
  t.deepEqual([code, stderr], [0, '']);
  t.is(stdout, 'Started backup b0 as job 1; `backup status` shows it.\n');
  t.like(api.jobs.get(1), { backupName: 'b0', location: 'file:///x' });
  t.like(api.jobs.get(1)?.parameters, { strategy: 'parallel', snapshot: 'together' });
  t.deepEqual(api.jobs.get(1)?.parameters.keyspaces, ['ks1', 'ks2']);
  t.deepEqual(api.jobs.get(1)?.parameters.nodes, [ID]);
});

test('A restore takes the name as argument or as option', async (t) => {
  for (const args of [['b0'], ['--name', 'b0'], ['b0', '--name', 'b0']]) {
    const api = await startApi(t);
    const { code } = await cli(api, 'restore', 'start', ...args);
    t.is(code, 0);
    t.like(api.jobs.get(1), { type: 'RESTORE', backupName: 'b0' });
  }
});

test('Two different names are wrong usage', async (t) => {
  const api = await startApi(t);
  const { code, stderr } = await cli(api, 'restore', 'start', 'b0', '--name', 'b1');
  t.is(code, 2);
  t.regex(stderr, /Expected one name, got b0 and --name b1/);
  t.is(api.jobs.list().length, 0);
});

test('A refusal is told in words with what to do, on stderr', async (t) => {
  const api = await startApi(t);
  const { code, stdout, stderr } = await cli(api, 'backup', 'start', '--name', '../x');
  t.deepEqual([code, stdout], [2, '']);
  t.regex(stderr, /^Error: Expected a backup name of 1 to 128 .*, got "\.\.\/x" \(NAME_INVALID\)\nChoose another name/);
});

test('While a job runs the next one is refused with exit code 1', async (t) => {
  const api = await startApi(t);
  await api.jobs.start('BACKUP', { name: 'b0' });
  const { code, stderr } = await cli(api, 'restore', 'start', 'b0');
  t.is(code, 1);
  t.regex(stderr, /BACKUP b0.*\(JOB_RUNNING\)/);
});

test('With --json stdout is what REST answers, errors too, and nothing else is written', async (t) => {
  const api = await startApi(t);
  const run = (...args: string[]) => cli(api, ...args, '--json');
  const started = await run('backup', 'start', '--name', 'b0');
  t.deepEqual([started.code, started.stderr], [0, '']);
  t.deepEqual(JSON.parse(started.stdout), { started: true, name: 'b0', job: 1 });
  const refused = await run('backup', 'start', '--name', 'b1');
  t.deepEqual([refused.code, refused.stderr], [1, '']);
  t.deepEqual(JSON.parse(refused.stdout), (await api.call('POST', '/cluster/backup/start?name=b1')).body);
  const status = await run('backup', 'status');
  t.deepEqual(JSON.parse(status.stdout), (await api.call('GET', '/cluster/backup/status')).body);
  const aborted = await run('backup', 'abort');
  t.deepEqual(JSON.parse(aborted.stdout), { aborted: true });
});

test('Without a job status, last and abort say so', async (t) => {
  const api = await startApi(t);
  t.like(await cli(api, 'backup', 'status'), { code: 0, stdout: 'No backup is running.\n' });
  t.like(await cli(api, 'restore', 'last'), { code: 0, stdout: 'No restore has ended yet.\n' });
  const aborted = await cli(api, 'restore', 'abort');
  t.is(aborted.code, 1);
  t.regex(aborted.stderr, /No restore is running/);
});

test('Abort ends the job after its step, with --now at once', async (t) => {
  const api = await startApi(t);
  const { id } = await api.jobs.start('BACKUP', {});
  t.is((await cli(api, 'backup', 'abort')).code, 0);
  t.like(api.jobs.get(id), { aborted: true, abortNow: false });
  const { code, stdout } = await cli(api, 'backup', 'abort', '--now');
  t.is(code, 0);
  t.regex(stdout, /killed/);
  t.like(api.jobs.get(id), { aborted: true, abortNow: true });
});

test('Status shows nodes and keyspaces as far as they are', async (t) => {
  const api = await startApi(t);
  const { id } = await api.jobs.start('BACKUP', { name: 'b0' });
  api.jobs.update(id, (job) =>
    withStep(job, 0, { state: 'RUNNING', report: { keyspaces: { ks1: keyspace() }, remainingKeyspaces: ['ks2'] } }),
  );
  const { code, stdout } = await cli(api, 'backup', 'status');
  t.is(code, 0);
  t.regex(stdout, /^Backup b0 \(job 1\): RUNNING\nLocation file:\/\/\/backup\nStarted 2027-01-15T08:00:00Z/);
  t.regex(stdout, /^NODE +KEYSPACE +STATUS +SIZE +TIME$/m);
  t.regex(stdout, /^cassandra\.dev\.node\.0\.executor +ks1 +SUCCESS +2\.0 KiB +2s$/m);
  t.regex(stdout, /^cassandra\.dev\.node\.0\.executor +ks2 +OPEN +- +-$/m);
  t.regex(stdout, /^cassandra\.dev\.node\.2\.executor +- +WAITING +- +-$/m);
});

test('Status shows every node at work', async (t) => {
  const api = await startApi(t);
  const { id } = await api.jobs.start('BACKUP', { strategy: 'parallel' });
  for (const node of [0, 1]) api.jobs.update(id, (job) => withStep(job, node, { state: 'RUNNING' }));
  const { stdout } = await cli(api, 'backup', 'status');
  const states = [...stdout.matchAll(/^cassandra\.dev\.node\.(\d)\.executor +(\w+)$/gm)].map(([, node, state]) => [
    node,
    state,
  ]);
  t.deepEqual(states, [
    ['0', 'RUNNING'],
    ['1', 'RUNNING'],
    ['2', 'WAITING'],
  ]);
});

for (const [result, code] of [
  ['SUCCESS', 0],
  ['PARTIAL', 3],
  ['FAILURE', 1],
  ['ABORTED', 1],
] as const) {
  test(`--wait follows a job to its end, and ${result} is exit code ${code}`, async (t) => {
    const api = await startApi(t);
    const started = once(api.woken, 'wake');
    const command = startHere(['backup', 'start', '--name', 'b0', '--wait'], { url: api.url });
    await started;
    api.jobs.update(1, (job) =>
      withStep(job, 0, {
        state: 'RUNNING',
        report: { bytesTotal: 2048, bytesDone: 1024, current: 'nb-1-big-Data.db' },
      }),
    );
    await command.says(/backup on cassandra\.dev\.node\.0\.executor/);
    api.jobs.update(1, (job) => {
      const error = { executorId: ID, keyspace: 'ks1', table: null, code: 'NO_SPACE', message: 'the disk is full' };
      const failed = withStep(job, 0, { state: 'FAILED', finished: NOW + 1000, error });
      return ended(
        result === 'SUCCESS' ? withStep(job, 0, { report: { keyspaces: { ks1: keyspace() } } }) : failed,
        result,
      );
    });
    const { code: exitCode, stdout } = await command.ends();
    t.is(exitCode, code);
    t.true(stdout.startsWith(`Backup b0 (job 1): ${result}\n`), stdout);
    t.regex(stdout, /^cassandra\.dev\.node\.1\.executor +ks1 +SUCCESS/m);
    if (result !== 'SUCCESS')
      t.regex(stdout, /Errors:\n {2}cassandra\.dev\.node\.0\.executor ks1: the disk is full \(NO_SPACE\)/);
    const last = await cli(api, 'backup', 'last');
    t.deepEqual([last.code, last.stdout], [code, stdout]);
  });
}

test('--wait with --json prints the ended job and nothing before', async (t) => {
  const api = await startApi(t);
  const started = once(api.woken, 'wake');
  const command = startHere(['backup', 'start', '--wait', '--json'], { url: api.url });
  await started;
  api.jobs.update(1, (job) => ended(job, 'SUCCESS'));
  const { code, stdout, stderr } = await command.ends();
  t.deepEqual([code, stderr], [0, '']);
  t.deepEqual(JSON.parse(stdout), (await api.call('GET', '/cluster/jobs/1')).body);
});

test('--wait goes on where it was when the scheduler restarts', async (t) => {
  const api = await startApi(t);
  const started = once(api.woken, 'wake');
  const command = startHere(['backup', 'start', '--wait'], { url: api.url });
  await started;
  await command.says(/waiting for a node/);
  await api.stop();
  await command.says(/Could not reach the scheduler at .*Waiting up to 5m 0s for it/);
  await api.start();
  await command.says(/The scheduler answers again/);
  api.jobs.update(1, (job) => ended(job, 'SUCCESS'));
  const { code, stdout } = await command.ends();
  t.is(code, 0);
  t.regex(stdout, /SUCCESS/);
});

test('--wait gives up when the scheduler stays away', async (t) => {
  const api = await startApi(t);
  const started = once(api.woken, 'wake');
  const command = startHere(['backup', 'start', '--wait'], { url: api.url, outageMs: 100 });
  await started;
  await command.says(/waiting for a node/);
  await api.stop();
  const { code, stderr } = await command.ends();
  t.is(code, 1);
  t.regex(stderr, /SCHEDULER_UNREACHABLE/);
});

test('Ctrl-C ends the waiting and says that the job goes on', async (t) => {
  const api = await startApi(t);
  const started = once(api.woken, 'wake');
  const command = startCli(t, ['backup', 'start', '--wait'], { CASSANDRA_MESOS_URL: api.url });
  await started;
  await command.says(/waiting for a node/);
  command.child.kill('SIGINT');
  const { code, stdout, stderr } = await command.ends();
  t.deepEqual([code, stdout], [1, '']);
  t.regex(stderr, /^Stopped waiting\. A job that was started goes on; see `status`\.$/m);
  t.is(api.jobs.get(1)?.finished, null);
});
