import type { ExecutorClient, TaskStatus } from '../mesos/types.ts';

type Update = Pick<TaskStatus, 'state' | 'message' | 'data' | 'healthy'>;

/** How many ended tasks are remembered: a task that is delivered twice comes soon after. */
const REMEMBERED = 200;

/** Sends status updates and knows the last one of every task, so that a task that is delivered twice runs once. */
export class TaskUpdates {
  readonly #client: ExecutorClient;
  readonly #last = new Map<string, Update>();

  constructor(client: ExecutorClient) {
    this.#client = client;
  }

  async send(taskId: string, update: Update): Promise<void> {
    this.#last.delete(taskId);
    this.#last.set(taskId, update);
    for (const [old, { state }] of this.#last) {
      if (this.#last.size <= REMEMBERED) break;
      if (isFinal(state)) this.#last.delete(old);
    }
    await this.#client.update({ taskId: { value: taskId }, ...update });
  }

  /** Says again how a task ended. False when the task is not known at all, true also while it runs. */
  async answerAgain(taskId: string): Promise<boolean> {
    const last = this.#last.get(taskId);
    if (last !== undefined && isFinal(last.state)) await this.#client.update({ taskId: { value: taskId }, ...last });
    return last !== undefined;
  }
}

function isFinal(state: TaskStatus['state']): boolean {
  return state === 'TASK_FINISHED' || state === 'TASK_FAILED' || state === 'TASK_KILLED';
}
