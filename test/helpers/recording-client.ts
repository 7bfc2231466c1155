import {
  decodeExecutorMessage,
  decodeStepProgress,
  encodeNodeTask,
  type ExecutorMessage,
} from '../../src/mesos/messages.ts';
import type { ExecutorClient, ExecutorEvent, TaskStatus } from '../../src/mesos/types.ts';
import type { NodeTask, StepReport } from '../../src/model/step.ts';

type Update = Parameters<ExecutorClient['update']>[0];

/** An agent in memory: hands events to the executor and keeps what it says. */
export class RecordingClient implements ExecutorClient {
  readonly updates: Update[] = [];
  readonly messages: ExecutorMessage[] = [];
  #onEvent: ((event: ExecutorEvent) => void | Promise<void>) | null = null;
  #lose: ((error: unknown) => void) | null = null;
  #waiting: { holds: () => boolean; done: () => void }[] = [];

  async run(onEvent: (event: ExecutorEvent) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    this.#onEvent = onEvent;
    await new Promise<void>((resolve, reject) => {
      this.#lose = reject;
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  update(status: Update): Promise<void> {
    this.updates.push(status);
    this.#changed();
    return Promise.resolve();
  }

  message(data: Uint8Array): Promise<void> {
    this.messages.push(decodeExecutorMessage(data));
    this.#changed();
    return Promise.resolve();
  }

  async launch(taskId: string, task: NodeTask | Uint8Array): Promise<void> {
    const data = task instanceof Uint8Array ? task : encodeNodeTask(task);
    const info = { name: taskId, taskId: { value: taskId }, agentId: { value: 'agent' }, resources: [], data };
    await this.send({ type: 'LAUNCH', launch: { task: info } });
  }

  async kill(taskId: string): Promise<void> {
    await this.send({ type: 'KILL', kill: { taskId: { value: taskId } } });
  }

  async send(event: ExecutorEvent): Promise<void> {
    await this.#onEvent?.(event);
  }

  /** The agent is gone for good. */
  lose(error: unknown): void {
    this.#lose?.(error);
  }

  /** Resolves once the task was said to be in the state. */
  async until(taskId: string, state: TaskStatus['state']): Promise<Update> {
    const find = () => this.updates.find((update) => update.taskId.value === taskId && update.state === state);
    await this.untilHolds(() => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error(`expected ${taskId} to be ${state}`);
    return found;
  }

  /** Resolves once the condition holds; looked at whenever the executor says something. */
  async untilHolds(holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((done) => this.#waiting.push({ holds, done }));
  }

  states(taskId: string): string[] {
    return this.updates.filter((update) => update.taskId.value === taskId).map(({ state }) => state);
  }

  #changed(): void {
    for (const { done } of this.#waiting.filter(({ holds }) => holds())) done();
    this.#waiting = this.#waiting.filter(({ holds }) => !holds());
  }
}

export function reportOf(update: Update): StepReport {
  return decodeStepProgress(update.data ?? new Uint8Array()).report;
}
