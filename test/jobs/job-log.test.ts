import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { logJobs } from '../../src/jobs/job-log.ts';
import { logLines } from '../helpers/log-lines.ts';
import { error, id, keyspace, manifest, report } from './helpers.ts';
import { rig } from './rig.ts';
import { Ticker, type Script } from './ticker.ts';

/** Stored change by change, each with a turn for those who listen. */
async function run({ jobs, state }: ReturnType<typeof rig>, script: Script): Promise<void> {
  const job = jobs.running();
  if (!job) throw new Error('no job is running');
  const ticker = new Ticker(job, state.nodes.all());
  while (ticker.job.finished === null) {
    for (const turn of [() => ticker.tick(1_000), () => ticker.end(script)]) {
      jobs.update(job.id, () => turn().job);
      await setImmediate();
    }
  }
}

test('A job has a line at its start and its end, each step as well, and each keyspace that failed with its reason', async (t) => {
  const made = rig(t);
  const { log, lines } = logLines();
  logJobs(made.jobs, log);
  const { id: job } = await made.jobs.start('BACKUP', { name: 'monday' });
  await setImmediate();
  await run(made, ({ phase, executorId }) => {
    if (phase !== 'backup' || executorId !== id(1)) return undefined;
    const keyspaces = { shop: keyspace(), blog: keyspace({ status: 'FAILURE', error: 'disk full' }) };
    const errors = [error('NO_SPACE', 'disk full', { executorId, keyspace: 'blog' })];
    return report({ keyspaces, errors, manifest: manifest(executorId) });
  });
  t.true(lines.every((line) => line['job'] === job));
  const of = (msg: string) => lines.filter((line) => line['msg'] === msg);
  t.like(of('job begins'), [{ type: 'BACKUP', backup: 'monday', location: 'file:///backup' }]);
  t.like(of('job ended'), [{ type: 'BACKUP', backup: 'monday', result: 'PARTIAL', level: 40 }]);
  const steps = ['preflight', 'backup', 'confirm', 'commit'].flatMap((phase) =>
    [0, 1].map((node) => `${phase} ${id(node)}`),
  );
  for (const msg of ['step begins', 'step ended']) {
    t.deepEqual(
      of(msg)
        .map((line) => `${String(line['phase'])} ${String(line['node'])}`)
        .toSorted(),
      steps.toSorted(),
      msg,
    );
  }
  t.like(of('keyspace failed'), [{ node: id(1), keyspace: 'blog', phase: 'backup', reason: 'disk full' }]);
  t.is(of('keyspace failed').length, 1);
});

test('A step that is tried again says why, and an abort is said', async (t) => {
  const made = rig(t);
  const { log, lines } = logLines();
  logJobs(made.jobs, log);
  await made.jobs.start('BACKUP', { name: 'monday' });
  await setImmediate();
  await run(made, ({ phase, executorId, attempt }) =>
    phase === 'backup' && executorId === id(0) && attempt === 1 ? 'LOST' : undefined,
  );
  const retry = lines.find(({ msg }) => msg === 'step failed and is tried again');
  t.like(retry, { node: id(0), phase: 'backup', attempt: 2, reason: 'The task was lost' });
  await made.jobs.start('REPAIR', {});
  made.jobs.abort('REPAIR', true);
  await setImmediate();
  t.like(lines.at(-1), { msg: 'job is being aborted', type: 'REPAIR', now: true });
});
