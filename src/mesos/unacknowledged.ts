import type { ExecutorCall, Id, TaskInfo, TaskStatus } from './types.ts';

/** A status update that the agent has not acknowledged. */
export interface KeptUpdate {
  status: TaskStatus;
  /** Handed to the agent on the present subscription or with the SUBSCRIBE under way. */
  sent: boolean;
}

/**
 * What an executor has to hand over when it subscribes again: the tasks of which the agent acknowledged no
 * update yet, and all updates that it did not acknowledge, in their order.
 */
export class Unacknowledged {
  readonly #tasks = new Map<string, TaskInfo>();
  readonly #updates = new Map<string, KeptUpdate>();

  addTask(task: TaskInfo): void {
    this.#tasks.set(task.taskId.value, task);
  }

  addUpdate(status: TaskStatus & { uuid: Uint8Array }): KeptUpdate {
    const kept = { status, sent: false };
    this.#updates.set(key(status.uuid), kept);
    return kept;
  }

  acknowledge({ taskId, uuid }: { taskId: Id; uuid: Uint8Array }): void {
    this.#tasks.delete(taskId.value);
    this.#updates.delete(key(uuid));
  }

  drop({ status }: KeptUpdate): void {
    if (status.uuid !== undefined) this.#updates.delete(key(status.uuid));
  }

  unsent(): KeptUpdate[] {
    return [...this.#updates.values()].filter(({ sent }) => !sent);
  }

  /** Content of a SUBSCRIBE that is about to be sent; its updates count as sent from here on. */
  handOver(): Extract<ExecutorCall, { type: 'SUBSCRIBE' }>['subscribe'] {
    const updates = [...this.#updates.values()];
    for (const kept of updates) kept.sent = true;
    return {
      unacknowledgedTasks: [...this.#tasks.values()],
      unacknowledgedUpdates: updates.map(({ status }) => ({ status })),
    };
  }
}

function key(uuid: Uint8Array): string {
  return Buffer.from(uuid).toString('hex');
}
