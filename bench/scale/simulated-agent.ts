import { randomBytes } from 'node:crypto';
import { decodeNodeTask, encodeExecutorMessage, encodeHealth, encodeStepProgress } from '../../src/mesos/messages.ts';
import { isTerminal } from '../../src/mesos/task-state.ts';
import type { Offer, Resource, TaskInfo, TaskState, TaskStatus } from '../../src/mesos/types.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { healthOf, progressOf, reportOf } from './simulated-tasks.ts';

/** Room for one node and its steps. */
const SHARE = { cpus: 8, mem: 32_768, disk: 1_048_576 };
const FIXED_PORTS = [7000, 7199, 9042].map((port) => ({ begin: port, end: port }));
const FREE_PORTS = { begin: 31_000, end: 32_000 };

export interface AgentEvents {
  update: (status: TaskStatus) => void;
  message: (agentId: string, executorId: string, data: Uint8Array) => void;
  /** Something ended: there is more to offer. */
  freed: () => void;
}

export interface Timing {
  stepMs: number;
  healthMs: number;
}

interface Task {
  info: TaskInfo;
  executorId: string;
  kind: 'server' | 'step';
  /** The first is under way until it is acknowledged. */
  updates: TaskStatus[];
  last: TaskStatus;
}

/** An agent with its executor and that one's tasks, as its scheduler sees them, without any process. */
export class SimulatedAgent {
  readonly id: string;
  readonly hostname: string;
  readonly tasks = new Map<string, Task>();
  readonly #ip: string;
  readonly #timing: Timing;
  readonly #events: AgentEvents;
  readonly #timers = new Set<NodeJS.Timeout>();
  #executorId: string | null = null;
  #health: NodeJS.Timeout | null = null;

  constructor(number: number, timing: Timing, events: AgentEvents) {
    this.id = `scale-S${number}`;
    this.hostname = `host-${number}`;
    this.#ip = `127.${1 + Math.floor(number / 65_536)}.${Math.floor(number / 256) % 256}.${number % 256}`;
    this.#timing = timing;
    this.#events = events;
  }

  stop(): void {
    if (this.#health) clearInterval(this.#health);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  offer(id: string, frameworkId: string): Offer {
    return {
      id: { value: id },
      frameworkId: { value: frameworkId },
      agentId: { value: this.id },
      hostname: this.hostname,
      url: { scheme: 'http', address: { hostname: this.hostname, ip: this.#ip, port: 5051 }, path: '/slave(1)' },
      resources: this.#free(),
      attributes: [],
      executorIds: this.#executorId === null ? [] : [{ value: this.#executorId }],
      allocationInfo: { role: '*' },
    };
  }

  launch(info: TaskInfo): 'server' | 'step' {
    const executorId = info.executor?.executorId.value ?? '';
    const task = decodeNodeTask(info.data ?? new Uint8Array());
    const kind = 'server' in task ? 'server' : 'step';
    const last = this.#status(info, executorId, 'TASK_STAGING');
    this.#executorId = executorId;
    this.tasks.set(info.taskId.value, { info, executorId, kind, updates: [], last });
    if ('server' in task) this.#startServer(info, executorId);
    else this.#startStep(info, executorId, task.step);
    return kind;
  }

  kill(taskId: string): void {
    const task = this.tasks.get(taskId);
    if (task && !isTerminal(task.last.state)) this.#say(taskId, 'TASK_KILLED');
  }

  acknowledge(taskId: string, uuid: Uint8Array): Task | null {
    const task = this.tasks.get(taskId);
    const [first, next] = task?.updates ?? [];
    if (!task || !first?.uuid || Buffer.compare(first.uuid, uuid) !== 0) return null;
    task.updates.shift();
    if (next) this.#events.update(next);
    if (isTerminal(first.state)) this.tasks.delete(taskId);
    return task;
  }

  /** The scheduler subscribed anew: what it has not acknowledged comes again. */
  resend(): void {
    for (const { updates } of this.tasks.values()) if (updates[0]) this.#events.update(updates[0]);
  }

  #startServer(info: TaskInfo, executorId: string): void {
    const started = Date.now();
    const health = () => healthOf(executorId, Date.now() - started);
    this.#say(info.taskId.value, 'TASK_STARTING');
    this.#say(info.taskId.value, 'TASK_RUNNING', encodeHealth(health()));
    const { healthMs } = this.#timing;
    // Spread over the interval, as those of a ring that grew node by node.
    this.#later(Math.random() * healthMs, () => {
      this.#health = setInterval(() => {
        this.#events.message(this.id, executorId, encodeExecutorMessage({ health: health() }));
      }, healthMs);
    });
  }

  #startStep({ taskId: { value: taskId } }: TaskInfo, executorId: string, request: StepRequest): void {
    const { stepMs } = this.#timing;
    this.#say(taskId, 'TASK_RUNNING');
    this.#later(stepMs / 2, () => {
      const progress = { taskId, report: progressOf(request) };
      this.#events.message(this.id, executorId, encodeExecutorMessage({ progress }));
    });
    this.#later(stepMs, () => {
      if (!this.tasks.has(taskId)) return;
      this.#say(taskId, 'TASK_FINISHED', encodeStepProgress({ taskId, report: reportOf(request) }));
      this.#events.freed();
    });
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #say(taskId: string, state: TaskState, data?: Uint8Array): void {
    const task = this.tasks.get(taskId);
    if (!task) return;
    const said = { ...this.#status(task.info, task.executorId, state), uuid: randomBytes(16) };
    task.last = data === undefined ? said : { ...said, data };
    task.updates.push(task.last);
    if (task.updates.length === 1) this.#events.update(task.last);
  }

  #status({ taskId }: TaskInfo, executorId: string, state: TaskState): TaskStatus {
    return {
      taskId,
      state,
      source: 'SOURCE_EXECUTOR',
      agentId: { value: this.id },
      executorId: { value: executorId },
      timestamp: Date.now() / 1000,
    };
  }

  #free(): Resource[] {
    const running = [...this.tasks.values()].filter(({ last }) => !isTerminal(last.state));
    const taken = running.flatMap(({ info }) => info.resources);
    const executor = this.#executorId === null ? [] : (running[0]?.info.executor?.resources ?? []);
    const left = (name: keyof typeof SHARE): number =>
      [...taken, ...executor]
        .filter((resource) => resource.name === name)
        .reduce((rest, { scalar }) => rest - (scalar?.value ?? 0), SHARE[name]);
    const hasServer = running.some(({ kind }) => kind === 'server');
    return [
      { name: 'ports', type: 'RANGES', ranges: { range: hasServer ? [FREE_PORTS] : [...FIXED_PORTS, FREE_PORTS] } },
      ...(['cpus', 'mem', 'disk'] as const).map((name): Resource => ({
        name,
        type: 'SCALAR',
        scalar: { value: left(name) },
      })),
    ].map((resource) => ({ ...resource, allocationInfo: { role: '*' } }) as Resource);
  }
}
