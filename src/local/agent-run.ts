// One life of an agent's process, from its recovery to its end: hands tasks to executors and delivers their updates.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type {
  AgentInfo,
  Attribute,
  ExecutorInfo,
  FrameworkInfo,
  Resource,
  TaskInfo,
  TaskStatus,
} from '../mesos/types.ts';
import {
  findFramework,
  findTask,
  tasksOf,
  type AgentState,
  type ExecutorRecord,
  type TaskRecord,
} from './agent-state.ts';
import { Checkpoint } from './checkpoint.ts';
import type { Executor, Termination } from './executor.ts';
import { Executors, type ExecutorSettings } from './executors.ts';
import type { AgentLink, MasterLink } from './links.ts';
import { StatusUpdates } from './status-updates.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { stateFor } from './task-state.ts';

export interface AgentOptions extends ExecutorSettings {
  hostname: string;
  resources: readonly Resource[];
  attributes: readonly Attribute[];
  /** Pause before an unacknowledged update is sent again; doubles each time. */
  updateResendMs: number;
}

/** Where an agent keeps its state. */
export const checkpointPath = (directory: string) => join(directory, 'agent.json');

export class AgentRun implements AgentLink {
  readonly executors: Executors;
  readonly #state: AgentState;
  readonly #options: AgentOptions;
  readonly #master: MasterLink;
  readonly #checkpoint: Checkpoint;
  readonly #updates: StatusUpdates;
  readonly #end = new AbortController();
  #connected = false;

  constructor(state: AgentState, options: AgentOptions, master: MasterLink) {
    this.#state = state;
    this.#options = options;
    this.#master = master;
    this.#checkpoint = new Checkpoint(checkpointPath(options.directory), () => state);
    const save = () => this.#checkpoint.save();
    this.#updates = new StatusUpdates({
      clock: options.clock,
      resendMs: options.updateResendMs,
      save,
      forward: (task, status) => {
        if (this.#connected) master.statusUpdate(task.frameworkId, status, task.state);
      },
      done: (task) => this.#forget(task),
      signal: this.#end.signal,
    });
    this.executors = new Executors({
      settings: options,
      state: () => state,
      save,
      terminated: (record, termination) => this.#terminated(record, termination),
      signal: this.#end.signal,
    });
  }

  get agentId(): string {
    return this.#state.id ?? '';
  }

  get info(): AgentInfo {
    const { hostname, resources, attributes } = this.#options;
    const id = this.#state.id === undefined ? {} : { id: { value: this.#state.id } };
    return { hostname, port: this.#state.port, resources: [...resources], attributes: [...attributes], ...id };
  }

  framework(frameworkId: string): FrameworkInfo | undefined {
    return findFramework(this.#state, frameworkId);
  }

  /** Registers at the master, as new or as the one it was, and sends what the schedulers have not acknowledged. */
  async connect(): Promise<void> {
    const { id, frameworks, executors, tasks } = this.#state;
    this.#connected = true;
    const told = tasks.map(({ forwarded, ...task }) => (forwarded ? { ...task, status: forwarded } : task));
    const { ip } = this.#options;
    this.#state.id = this.#master.register({ id, info: this.info, ip, frameworks, executors, tasks: told }, this);
    await this.#checkpoint.save();
    this.#updates.resume(this.#state.tasks);
  }

  /** Nothing gets from here to the master or back until `connect`. */
  disconnect(): void {
    this.#connected = false;
  }

  /** Ends this life; executors go on. What is to be on disk is there when it resolves. */
  async stop(): Promise<void> {
    this.disconnect();
    this.#end.abort();
    await this.#checkpoint.close();
  }

  launch(framework: FrameworkInfo, info: TaskInfo, executor: { info: ExecutorInfo; isNew: boolean }): void {
    const frameworkId = framework.id?.value ?? '';
    const executorId = executor.info.executorId.value;
    const task: TaskRecord = {
      frameworkId,
      executorId,
      info,
      state: 'TASK_STAGING',
      delivered: false,
      pending: [],
      received: [],
    };
    this.#remember(framework);
    this.#state.tasks.push(task);
    const known = this.executors.get(frameworkId, executorId);
    if (known && known.phase !== 'terminating') this.deliver(known);
    else if (!known && executor.isNew) this.executors.launch(frameworkId, executor.info);
    // The master has not yet heard of the end of the one that it had in mind.
    else this.#report(task, 'TASK_DROPPED', 'REASON_EXECUTOR_TERMINATED', 'Executor is terminating or terminated');
  }

  kill(frameworkId: string, taskId: string, killPolicy?: TaskInfo['killPolicy']): void {
    const task = findTask(this.#state, frameworkId, taskId);
    const executor = task && this.executors.get(frameworkId, task.executorId);
    if (!task || !executor || isTerminal(task.state)) return;
    if (task.delivered) {
      const kill = { taskId: { value: taskId }, ...(killPolicy ? { killPolicy } : {}) };
      return executor.send({ type: 'KILL', kill });
    }
    const message = 'Killed before delivered to the executor';
    this.#report(task, 'TASK_KILLED', 'REASON_TASK_KILLED_DURING_LAUNCH', message);
    // An executor that never got a task and has none left would wait for nothing.
    if (executor.phase === 'registering' && this.#liveTasks(executor.record).length === 0) executor.shutdown();
  }

  acknowledge(frameworkId: string, taskId: string, uuid: Uint8Array): void {
    const task = findTask(this.#state, frameworkId, taskId);
    if (task) this.#inBackground(this.#updates.acknowledge(task, uuid));
  }

  shutdownExecutor(frameworkId: string, executorId: string): void {
    this.executors.get(frameworkId, executorId)?.shutdown();
  }

  message(frameworkId: string, executorId: string, data: Uint8Array): void {
    this.executors.get(frameworkId, executorId)?.send({ type: 'MESSAGE', message: { data } });
  }

  frameworkUpdated(framework: FrameworkInfo): void {
    const frameworkId = framework.id?.value ?? '';
    if (!this.framework(frameworkId)) return;
    this.#remember(framework);
    this.#inBackground(this.#checkpoint.save());
    this.#updates.resume(this.#state.tasks.filter((task) => task.frameworkId === frameworkId));
  }

  frameworkRemoved(frameworkId: string): void {
    const state = this.#state;
    state.frameworks = state.frameworks.filter((framework) => framework.id?.value !== frameworkId);
    state.tasks.filter((task) => task.frameworkId === frameworkId).forEach((task) => this.#forget(task));
    this.#inBackground(this.#checkpoint.save());
    this.executors.ofFramework(frameworkId).forEach((executor) => executor.shutdown());
  }

  /** A status update by the executor; it hears ACKNOWLEDGED when the update is on disk. */
  async update(executor: Executor, status: TaskStatus): Promise<void> {
    const { frameworkId, info } = executor.record;
    const { taskId, uuid = new Uint8Array() } = status;
    const task = findTask(this.#state, frameworkId, taskId.value);
    // A task that is unknown is one whose last update the scheduler has acknowledged: there is nothing to tell it.
    const agentId = { value: this.agentId };
    if (task) await this.#updates.store(task, { ...status, agentId, executorId: info.executorId });
    executor.send({ type: 'ACKNOWLEDGED', acknowledged: { taskId, uuid } });
  }

  /** Passes on what an executor says to its scheduler, if there is a way. */
  executorMessage({ frameworkId, info }: ExecutorRecord, data: Uint8Array): void {
    const executor = { agentId: this.agentId, frameworkId, executorId: info.executorId.value };
    if (this.#connected) this.#master.executorMessage(executor, data);
  }

  /** A task that was sent to it, that it has not reported and does not know, was lost on the way. */
  dropUnknown({ record }: Executor, knownTasks: ReadonlySet<string>): void {
    for (const task of this.#liveTasks(record)) {
      if (knownTasks.has(task.info.taskId.value)) task.delivered = true;
      else if (task.delivered && task.state === 'TASK_STAGING') {
        this.#report(task, 'TASK_DROPPED', 'REASON_AGENT_RESTARTED', 'Task launched during agent restart');
      }
    }
  }

  /** LAUNCH for all that waits for this executor, if it is subscribed. */
  deliver(executor: Executor): void {
    if (executor.isReady) {
      for (const task of this.#liveTasks(executor.record).filter(({ delivered }) => !delivered)) {
        executor.send({ type: 'LAUNCH', launch: { task: task.info } });
        task.delivered = true;
      }
    }
    this.#inBackground(this.#checkpoint.save());
  }

  /** Its scheduler hears FAILURE, and then that its tasks have ended with it. */
  async #terminated(record: ExecutorRecord, { status, reason, message }: Termination): Promise<void> {
    const { frameworkId, info } = record;
    this.#state.executors = this.#state.executors.filter((other) => other !== record);
    this.#options.log.info({ executor: info.executorId.value, status, reason, message }, 'executor ended');
    const exit = { agentId: this.agentId, frameworkId, executorId: info.executorId.value, status };
    if (this.#connected) this.#master.executorExited(exit);
    const ends = this.#liveTasks(record).map((task) =>
      this.#updates.store(task, this.#status(task, { state: 'TASK_FAILED', reason, message })),
    );
    await Promise.all([...ends, this.#checkpoint.save()]);
  }

  #report(task: TaskRecord, state: 'TASK_DROPPED' | 'TASK_KILLED', reason: string, message: string): void {
    const framework = this.framework(task.frameworkId);
    const word = framework && state === 'TASK_DROPPED' ? stateFor(framework, state) : state;
    this.#inBackground(this.#updates.store(task, this.#status(task, { state: word, reason, message })));
  }

  /** A status in the agent's own words. */
  #status(task: TaskRecord, said: Pick<TaskStatus, 'state' | 'reason' | 'message'>): TaskStatus {
    return {
      taskId: task.info.taskId,
      ...said,
      agentId: { value: this.agentId },
      executorId: { value: task.executorId },
      source: 'SOURCE_AGENT',
      timestamp: this.#options.clock.now() / 1000,
      uuid: Uint8Array.from(Buffer.from(randomUUID().replaceAll('-', ''), 'hex')),
    };
  }

  #liveTasks(record: ExecutorRecord): TaskRecord[] {
    return tasksOf(this.#state, record).filter((task) => !isTerminal(task.state));
  }

  #remember(framework: FrameworkInfo): void {
    const others = this.#state.frameworks.filter((other) => other.id?.value !== framework.id?.value);
    this.#state.frameworks = [...others, framework];
  }

  #forget(task: TaskRecord): void {
    this.#updates.forget(task);
    this.#state.tasks = this.#state.tasks.filter((other) => other !== task);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      // The next life starts from what this one had written at its end.
      if (!this.#end.signal.aborted) this.#options.log.error({ err: error }, 'the agent cannot write its state');
    });
  }
}
