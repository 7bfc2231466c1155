import { decodeNodeTask, encodeExecutorInfo, encodeHealth, encodeStepProgress } from '../../src/mesos/messages.ts';
import { isTerminal } from '../../src/mesos/task-state.ts';
import type { ExecutorInfo, Resource, TaskInfo, TaskState, TaskStatus } from '../../src/mesos/types.ts';
import type { PhaseName } from '../../src/model/phase.ts';
import type { StepReport, StepRequest } from '../../src/model/step.ts';
import { Bag } from './bag.ts';
import { normalWithKey } from './helpers.ts';

/** An agent sends an update again after this long without its acknowledgement. */
const RESEND_MS = 10_000;
const START_MS = 3_000;
const KILL_MS = 1_000;
const HEALTH_MS = 5_000;

export interface ModelTask {
  taskId: string;
  executorId: string;
  /** Null: the server. */
  step: StepRequest | null;
  /** As the executor sees it. */
  state: TaskState;
  resources: Resource[];
  /** What comes next, and when. */
  next: { at: number; state: TaskState } | null;
  /** Says nothing more, until it is killed. */
  hangs: boolean;
  /** Told and not acknowledged, oldest first; only the first is sent. */
  updates: { status: TaskStatus; sentAt: number }[];
}

export interface ModelExecutor {
  info: ExecutorInfo;
  encoded: string;
  tasks: Map<string, ModelTask>;
}

/** What an agent tells its master. */
export interface AgentEvents {
  update: (agent: ModelAgent, status: TaskStatus) => void;
  executorEnded: (agent: ModelAgent, executorId: string) => void;
  health: (agent: ModelAgent, executorId: string) => void;
  report: (phase: PhaseName, executorId: string) => StepReport;
}

/** A machine with its agent: executors as this project's own behave, resources, and updates until acknowledged. */
export class ModelAgent {
  readonly id: string;
  readonly hostname: string;
  /**
   * UNREACHABLE: the master does not see it, and its executors go on; FORGOTTEN: that was so long ago that the master
   * knows nothing of it any more; GONE: for good, with all that ran.
   */
  standing: 'REGISTERED' | 'UNREACHABLE' | 'FORGOTTEN' | 'GONE' = 'REGISTERED';
  readonly executors = new Map<string, ModelExecutor>();
  /** Tasks of executors that ended, whose last words are not acknowledged. */
  readonly ended = new Map<string, ModelTask>();
  readonly total: Bag;
  readonly #events: AgentEvents;
  #uuids = 0;
  #healthToldAt = 0;

  constructor(id: string, hostname: string, resources: Resource[], events: AgentEvents) {
    this.id = id;
    this.hostname = hostname;
    this.total = new Bag(resources);
    this.#events = events;
  }

  get tasks(): ModelTask[] {
    return [...[...this.executors.values()].flatMap(({ tasks }) => [...tasks.values()]), ...this.ended.values()];
  }

  get liveTasks(): ModelTask[] {
    return this.tasks.filter(({ state }) => !isTerminal(state));
  }

  /** What nobody uses. */
  get free(): Bag {
    const free = new Bag(this.total.resources);
    for (const { info } of this.executors.values()) free.take(info.resources ?? []);
    for (const task of this.liveTasks) free.take(task.resources);
    return free;
  }

  launch(info: TaskInfo, now: number): void {
    const executor = info.executor as ExecutorInfo;
    const executorId = executor.executorId.value;
    const running = this.executors.get(executorId) ?? {
      info: executor,
      encoded: encodedOf(executor),
      tasks: new Map(),
    };
    this.executors.set(executorId, running);
    const decoded = decodeNodeTask(info.data ?? new Uint8Array());
    const task: ModelTask = {
      taskId: info.taskId.value,
      executorId,
      step: 'step' in decoded ? decoded.step : null,
      state: 'TASK_STAGING',
      resources: info.resources,
      next: null,
      hangs: false,
      updates: [],
    };
    const busy = [...running.tasks.values()].some(
      (other) => !isTerminal(other.state) && (other.step === null) === (task.step === null),
    );
    running.tasks.set(task.taskId, task);
    if (busy) this.#tell(task, 'TASK_FAILED', now);
    else {
      task.next = { at: now + START_MS, state: 'TASK_RUNNING' };
      this.#tell(task, 'TASK_STARTING', now);
    }
  }

  kill(taskId: string, now: number): void {
    const task = this.liveTasks.find((candidate) => candidate.taskId === taskId);
    if (!task || task.next?.state === 'TASK_KILLED') return;
    task.next = { at: now + KILL_MS, state: 'TASK_KILLED' };
    this.#tell(task, 'TASK_KILLING', now);
  }

  /** The executor's process ends, and all of its tasks with it. */
  endExecutor(executorId: string, state: TaskState, now: number): void {
    const executor = this.executors.get(executorId);
    if (!executor) return;
    for (const task of executor.tasks.values()) {
      if (!isTerminal(task.state)) this.#tell(task, state, now, 'SOURCE_AGENT');
      if (task.updates.length > 0) this.ended.set(task.taskId, task);
    }
    this.executors.delete(executorId);
    this.#events.executorEnded(this, executorId);
  }

  fail(task: ModelTask, now: number): void {
    if (!isTerminal(task.state)) this.#tell(task, 'TASK_FAILED', now);
  }

  acknowledge(taskId: string, uuid: Uint8Array, now: number): void {
    const task = this.tasks.find((candidate) => candidate.taskId === taskId);
    const first = task?.updates[0];
    if (!task || !first || Buffer.compare(first.status.uuid ?? new Uint8Array(), uuid) !== 0) return;
    task.updates.shift();
    if (task.updates.length === 0 && isTerminal(task.state)) {
      this.ended.delete(taskId);
      this.executors.get(task.executorId)?.tasks.delete(taskId);
    }
    this.resend(now);
  }

  /** What time brings about: tasks go on, and what was not acknowledged is told again. */
  pass(now: number): void {
    if (this.standing === 'GONE') return;
    for (const task of this.liveTasks) {
      if (task.next === null || task.next.at > now || (task.hangs && task.next.state !== 'TASK_KILLED')) continue;
      const { state } = task.next;
      task.next =
        state === 'TASK_RUNNING' && task.step !== null ? { at: now + START_MS, state: 'TASK_FINISHED' } : null;
      this.#tell(task, state, now);
    }
    this.resend(now);
    if (this.standing !== 'REGISTERED' || now - this.#healthToldAt < HEALTH_MS) return;
    this.#healthToldAt = now;
    for (const { step, state, executorId } of this.liveTasks) {
      if (step === null && state === 'TASK_RUNNING') this.#events.health(this, executorId);
    }
  }

  resend(now: number): void {
    if (this.standing !== 'REGISTERED') return;
    for (const { updates } of this.tasks) {
      const [first] = updates;
      if (!first || now - first.sentAt < RESEND_MS) continue;
      first.sentAt = now;
      this.#events.update(this, first.status);
    }
  }

  #tell(task: ModelTask, state: TaskState, now: number, source: TaskStatus['source'] = 'SOURCE_EXECUTOR'): void {
    task.state = state;
    this.#uuids += 1;
    const status: TaskStatus = {
      taskId: { value: task.taskId },
      state,
      message: `model: ${state}`,
      ...(source ? { source } : {}),
      agentId: { value: this.id },
      executorId: { value: task.executorId },
      uuid: Buffer.from(`${this.id}.${this.#uuids}`),
      ...(source === 'SOURCE_EXECUTOR' ? this.#words(task, state) : {}),
    };
    task.updates.push({ status, sentAt: Number.NEGATIVE_INFINITY });
    this.resend(now);
  }

  #words({ step, taskId, executorId }: ModelTask, state: TaskState): { data?: Uint8Array } {
    if (state === 'TASK_RUNNING' && step === null) return { data: encodeHealth(normalWithKey) };
    if (state !== 'TASK_FINISHED' || step === null) return {};
    return { data: encodeStepProgress({ taskId, report: this.#events.report(step.phase, executorId) }) };
  }
}

export function encodedOf(info: ExecutorInfo): string {
  return Buffer.from(encodeExecutorInfo(info)).toString('base64');
}
