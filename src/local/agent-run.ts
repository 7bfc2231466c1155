// One life of an agent's process, from its recovery to its end: hands tasks to executors and delivers their updates.
import { join } from 'node:path';
import type { AgentInfo, ExecutorInfo, FrameworkInfo, TaskInfo, TaskStatus } from '../mesos/types.ts';
import { AgentOperations } from './agent-operations.ts';
import {
  findFramework,
  forgetFramework,
  findTask,
  newTask,
  rememberFramework,
  tasksOf,
  type AgentState,
  type ExecutorRecord,
  type TaskRecord,
} from './agent-state.ts';
import { agentInfo, agentStatus, registration, type AgentIdentity } from './agent-words.ts';
import { Checkpoint } from './checkpoint.ts';
import type { Executor, Termination } from './executor.ts';
import { Executors, workDirectory, type ExecutorSettings } from './executors.ts';
import { hearing, type AgentLink, type AgentTask, type MasterLink } from './links.ts';
import type { ResourceOperation } from './operations.ts';
import { Sandboxes } from './sandboxes.ts';
import { StatusUpdates } from './status-updates.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { stateFor } from './task-state.ts';

export interface AgentOptions extends ExecutorSettings, AgentIdentity {
  /** So many sandboxes of executors that have ended are kept; the oldest go first. */
  keepSandboxes: number;
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
  readonly #operations: AgentOperations;
  readonly #sandboxes: Sandboxes;
  readonly #end = new AbortController();
  #connected = false;
  #hears = false;

  constructor(state: AgentState, options: AgentOptions, master: MasterLink) {
    this.#state = state;
    this.#options = options;
    this.#master = master;
    this.#checkpoint = new Checkpoint(checkpointPath(options.directory), () => state);
    const { updateResendMs: resendMs, resources, keepSandboxes: keep } = options;
    const work = workDirectory(options.directory);
    const save = () => this.#checkpoint.save();
    const { signal } = this.#end;
    const delivery = { clock: options.clock, resendMs, save, signal };
    this.#sandboxes = new Sandboxes({ state, workDirectory: work, keep });
    this.#updates = new StatusUpdates({
      ...delivery,
      forward: (task, status) => {
        if (this.#connected) master.statusUpdate(task.frameworkId, status, task.state);
      },
      done: (task) => this.#forget(task),
    });
    this.#operations = new AgentOperations({
      state,
      resources,
      workDirectory: work,
      ...delivery,
      forward: ({ frameworkId, status }) => {
        if (this.#connected) master.operationStatus(frameworkId, status);
      },
      failed: (error) => this.#failed(error),
    });
    this.executors = new Executors({
      settings: options,
      state: () => state,
      save,
      prepare: async (record) => {
        await this.#operations.settled();
        this.#sandboxes.link(record, record.info.resources);
      },
      terminated: (record, termination) => this.#terminated(record, termination),
      signal,
    });
  }

  get agentId(): string {
    return this.#state.id ?? '';
  }

  get info(): AgentInfo {
    return agentInfo(this.#state, this.#options);
  }

  /** Signs the tokens by which executors prove who they are; absent, they need none. */
  get tokenKey(): string | undefined {
    return this.#options.executorAuthentication ? this.#state.key : undefined;
  }

  framework(frameworkId: string): FrameworkInfo | undefined {
    return findFramework(this.#state, frameworkId);
  }

  /** Registers at the master, as new or as the one it was, and sends what the schedulers have not acknowledged. */
  async connect(): Promise<void> {
    this.#connected = true;
    this.#hears = true;
    const link = hearing(this, () => this.#hears);
    this.#state.id = this.#master.register(registration(this.#state, this.#options), link);
    await this.#checkpoint.save();
    this.#updates.resume(this.#state.tasks);
    this.#operations.resume();
  }

  /** From now on nothing that the master says arrives, which it does not notice; until `connect`. */
  deafen(): void {
    this.#hears = false;
  }

  /** Nothing gets from here to the master or back until `connect`. */
  disconnect(): void {
    this.#connected = false;
  }

  /** Ends this life; executors go on. What is to be on disk is there when it resolves. */
  async stop(): Promise<void> {
    this.disconnect();
    this.#end.abort();
    await this.#operations.settled();
    await this.#checkpoint.close();
  }

  launch(framework: FrameworkInfo, info: TaskInfo, executor: { info: ExecutorInfo; isNew: boolean }): void {
    const frameworkId = framework.id?.value ?? '';
    const executorId = executor.info.executorId.value;
    const task = newTask(frameworkId, executorId, info);
    rememberFramework(this.#state, framework);
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

  applyOperation(frameworkId: string, operation: ResourceOperation): void {
    this.#operations.apply(frameworkId, operation);
  }

  acknowledgeOperation(frameworkId: string, operationId: string, uuid: Uint8Array): void {
    this.#inBackground(this.#operations.acknowledge(frameworkId, operationId, uuid));
  }

  reconcileTask(framework: FrameworkInfo, { info, executorId }: Pick<AgentTask, 'info' | 'executorId'>): void {
    rememberFramework(this.#state, framework);
    const task = newTask(framework.id?.value ?? '', executorId, info);
    this.#state.tasks.push(task);
    this.#report(task, 'TASK_DROPPED', 'REASON_RECONCILIATION', 'Reconciliation: task unknown to the agent');
  }

  shutdown(): void {
    this.executors.shutdown();
    this.disconnect();
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
    rememberFramework(this.#state, framework);
    this.#inBackground(this.#checkpoint.save());
    this.#updates.resume(this.#state.tasks.filter((task) => task.frameworkId === frameworkId));
  }

  frameworkRemoved(frameworkId: string): void {
    forgetFramework(this.#state, frameworkId);
    this.#state.tasks.filter((task) => task.frameworkId === frameworkId).forEach((task) => this.#forget(task));
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
    if (task && isTerminal(task.state)) this.#sandboxes.unlink(executor.record, task.info.resources);
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
        this.#sandboxes.link(executor.record, task.info.resources);
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
    this.#inBackground(this.#sandboxes.ended(record));
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

  #status(task: TaskRecord, said: Pick<TaskStatus, 'state' | 'reason' | 'message'>): TaskStatus {
    return agentStatus(task, said, { agentId: this.agentId, nowMs: this.#options.clock.now() });
  }

  #liveTasks(record: ExecutorRecord): TaskRecord[] {
    return tasksOf(this.#state, record).filter((task) => !isTerminal(task.state));
  }

  #forget(task: TaskRecord): void {
    this.#updates.forget(task);
    this.#state.tasks = this.#state.tasks.filter((other) => other !== task);
  }

  /** An operation that failed: the master learns by a new registration what is really there. */
  #failed(error: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#options.log.error({ err: error }, 'an operation has failed');
    if (this.#connected) this.#inBackground(this.connect());
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      // The next life starts from what this one had written at its end.
      if (!this.#end.signal.aborted) this.#options.log.error({ err: error }, 'the agent cannot write its state');
    });
  }
}
