import test from 'ava';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import { jobErrors } from '../../src/jobs/shortfalls.ts';
import { CLUSTER, error, id, LIMITS, node, nodes } from './helpers.ts';
import { ticker, type Script } from './ticker.ts';

const backupFails: Script = ({ phase }) => (phase === 'backup' ? error('NO_SPACE', 'disk full') : undefined);

test('a job that leaves nothing behind has nothing to clean up', (t) => {
  for (const type of ['BACKUP', 'RESTORE'] as const) {
    const { phases } = ticker(type, 2, { snapshot: 'together' }).run();
    t.false(phases.some(({ name }) => name === 'cleanup'));
  }
  t.false(
    ticker('BACKUP')
      .run(backupFails)
      .phases.some(({ name }) => name === 'cleanup'),
  );
});

test('snapshots that were taken together go when the backup is aborted, except where they were used', (t) => {
  const turned = ticker('BACKUP', 3, { snapshot: 'together' }).until('backup').end().tick().abort().end();
  t.is(turned.run().result, 'ABORTED');
  t.deepEqual(turned.states('backup'), ['SUCCESS', 'SUCCESS', 'SKIPPED']);
  t.deepEqual(turned.states('cleanup'), ['SUCCESS']);
  t.is(turned.step('cleanup', 2).executorId, id(2));
});

test('snapshots that were taken together go where the backup failed, after the record was written', (t) => {
  const turned = ticker('BACKUP', 2, { snapshot: 'together' });
  turned.run(({ phase, executorId }) =>
    phase === 'backup' && executorId === id(0) ? error('NO_SPACE', 'disk full') : undefined,
  );
  t.is(turned.job.result, 'PARTIAL');
  t.deepEqual(
    turned.job.phases.map(({ name }) => name),
    ['snapshot', 'backup', 'confirm', 'commit', 'cleanup'],
  );
  t.deepEqual(turned.states('cleanup'), ['SUCCESS']);
  t.is(turned.step('cleanup', 0).executorId, id(0));
});

test('a snapshot that was lost with its executor is cleared as well', (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run(({ phase, executorId }) => (phase === 'backup' && executorId === id(1) ? 'LOST' : undefined));
  t.deepEqual(turned.states('cleanup'), ['SUCCESS']);
  t.is(turned.step('cleanup', 1).executorId, id(1));
});

test('staged files go when the restore is aborted before anything was touched', (t) => {
  const turned = ticker('RESTORE', 3).until('stage').end().tick().abort().end();
  t.is(turned.run().result, 'ABORTED');
  t.deepEqual(turned.states('cleanup'), ['SUCCESS', 'SUCCESS']);
  const phaseIndex = turned.job.phases.length - 1;
  t.like(stepRequest(turned.job, phaseIndex, 1, CLUSTER), { phase: 'cleanup', removeStaging: true, executorId: id(1) });
});

test('staged files stay when the restore failed, and once tables were truncated', (t) => {
  const failed = ticker('RESTORE', 2).run(({ phase, executorId }) =>
    phase === 'stage' && executorId === id(1) ? error('NO_SPACE', 'disk full') : undefined,
  );
  t.is(failed.result, 'FAILURE');
  t.false(failed.phases.some(({ name }) => name === 'cleanup'));
  const aborted = ticker('RESTORE', 2).until('load').abort().end().run();
  t.is(aborted.result, 'ABORTED');
  t.false(aborted.phases.some(({ name }) => name === 'cleanup'));
});

test('a cleanup is tried once, and its failure is told without changing the result', (t) => {
  const turned = ticker('RESTORE', 1).until('stage').abort(true);
  const job = turned.run(({ phase }) => (phase === 'cleanup' ? error('CASSANDRA_ERROR', 'no') : 'KILLED'));
  t.is(job.result, 'ABORTED');
  t.like(turned.step('cleanup', 0), { state: 'FAILED', attempt: 1 });
  t.true(jobErrors(job).some(({ code, message }) => code === 'CASSANDRA_ERROR' && message === 'no'));
});

test('a cleanup whose launch is lost is tried as often as any other step, for what it would leave takes room', (t) => {
  const turned = ticker('RESTORE', 1).until('stage').abort(true);
  turned.run(({ phase, attempt }) => (phase === 'cleanup' && attempt > LIMITS.retries ? undefined : 'LOST'));
  t.like(turned.step('cleanup', 0), { state: 'SUCCESS', attempt: LIMITS.retries + 1 });

  const atWork = ticker('RESTORE', 1).until('stage').abort(true).end().tick();
  const { taskId } = atWork.step('cleanup', 0);
  atWork.status(taskId ?? '', 'RUNNING').status(taskId ?? '', 'LOST');
  t.like(atWork.step('cleanup', 0), { state: 'FAILED', attempt: 1 });
});

test('a cleanup is not killed by the abort that it follows', (t) => {
  const turned = ticker('RESTORE', 1).until('stage').abort(true).tick(100);
  turned.end(() => 'KILLED').tick(100);
  t.deepEqual(turned.active(), ['cleanup 0']);
  const kills = turned.kills.size;
  turned.tick(100);
  t.is(turned.kills.size, kills);
  t.is(turned.end().tick().job.result, 'ABORTED');
});

test('nobody waits long for a cleanup that cannot be done', (t) => {
  const away = ticker('RESTORE', 1).until('stage').abort();
  away.end();
  away.nodes = [node(0, { serverState: 'NONE' })];
  away.tick().tick(LIMITS.cleanupMs);
  t.is(away.job.result, 'ABORTED');
  t.like(away.step('cleanup', 0), { state: 'FAILED', error: { code: 'NODE_DOWN' } });

  const silent = ticker('RESTORE', 1).until('stage').abort().end().tick();
  t.deepEqual(silent.active(), ['cleanup 0']);
  silent.tick(LIMITS.cleanupMs).tick(LIMITS.killMs);
  t.is(silent.job.result, 'ABORTED');
  t.is(silent.kills.size, 1);
});

test('nodes that joined later have nothing to clean up', (t) => {
  const turned = ticker('RESTORE', 1).until('stage');
  turned.nodes = nodes(3);
  turned.abort().end();
  turned.run();
  t.deepEqual(turned.states('cleanup'), ['SUCCESS']);
});
