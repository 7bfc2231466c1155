import type { Offer } from '../../src/mesos/types.ts';
import { testTask, type TestScheduler } from '../mesos/helpers/scheduler.ts';

/** Launches the task `server` on the first agent that offers, and waits until it runs. */
export async function runServer(scheduler: TestScheduler): Promise<Offer> {
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [testTask('server', offer)]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  return offer;
}

/** Runs one more task in the executor of the first, which proves that it is subscribed, and kills the first. */
export async function runAnother(scheduler: TestScheduler, { agentId }: Offer): Promise<void> {
  await scheduler.call({ type: 'REVIVE' });
  const offer = await scheduler.offer((found) => found.agentId.value === agentId.value);
  await scheduler.launch(offer, [testTask('another', offer)]);
  await scheduler.expect('another', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId } });
  await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED');
}
