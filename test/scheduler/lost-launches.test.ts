import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { World } from './random-world.ts';

/** As the limits of the world say. */
const RETRIES = 2;
/** Rounds after which a job has ended for sure. */
const ROUNDS = 200;

/** True for a launch of the first so many attempts of a step. */
function launches(call: SchedulerCall, attempts: number): boolean {
  const operations = call.type === 'ACCEPT' ? call.accept.operations : [];
  return operations.some(
    (operation) =>
      operation.type === 'LAUNCH' &&
      operation.launch.taskInfos.some(({ taskId: { value } }) => {
        const attempt = /\.BACKUP\.\d+\.\w+\.(\d+)$/.exec(value)?.[1];
        return attempt !== undefined && Number(attempt) <= attempts;
      }),
  );
}

/** How a backup of two nodes ends when that many launches of each of its steps are lost on their way. */
async function backUp(t: ExecutionContext, lost: number): Promise<ClusterJob | null> {
  const directory = mkdtempSync(join(tmpdir(), 'lost-'));
  const world = new World(join(directory, 'state.sqlite'), { nodeCount: 2 });
  t.teardown(async () => {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await world.comeToRest();
  world.wire.loses = (call) => launches(call, lost);
  await world.order((_ring, jobs) => jobs.start('BACKUP', {}));
  for (let count = 0; count < ROUNDS && world.state.jobs.running() !== null; count += 1) {
    await world.pass(2_000);
    await world.deliverAll();
  }
  return world.state.jobs.last('BACKUP');
}

const attempts = (job: ClusterJob | null): number[] =>
  job?.phases.flatMap(({ steps }) => steps.map(({ attempt }) => attempt)) ?? [];

test('a backup is whole although each step’s launch is lost as often as it may be tried again', async (t) => {
  const job = await backUp(t, RETRIES);
  t.is(job?.result, 'SUCCESS', JSON.stringify(job?.phases));
  t.true(attempts(job).every((attempt) => attempt === RETRIES + 1));
});

test('where every launch is lost the job ends, and says of which nodes', async (t) => {
  const job = await backUp(t, RETRIES + 1);
  t.is(job?.result, 'FAILURE');
  t.deepEqual(
    job?.phases[0]?.steps.map(({ attempt, error }) => [attempt, error?.code]),
    [
      [RETRIES + 1, 'TASK_LOST'],
      [RETRIES + 1, 'TASK_LOST'],
    ],
  );
});
