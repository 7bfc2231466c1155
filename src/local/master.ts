// The master of the embedded Mesos: what it knows, what it hears from agents, and its calls one by one.
import { randomUUID } from 'node:crypto';
import type { MasterInfo, SchedulerCall, SchedulerEvent, TaskState, TaskStatus } from '../mesos/types.ts';
import { accept } from './accept.ts';
import { agentDisconnected, agentUnreachable, registerAgent } from './agents.ts';
import { removeFramework, subscribe, type Subscription } from './frameworks.ts';
import type { AgentLink, ExecutorExit, MasterLink, Registration } from './links.ts';
import type { MasterContext, MasterSettings } from './master-context.ts';
import { tasksOn, type Framework, type MasterState } from './master-state.ts';
import { offerFreeResources, refuse, removeOffer } from './offers.ts';
import { reconcile, type TaskQuestion } from './reconciliation.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { after } from './timer.ts';

/** The version that it speaks like. */
const VERSION = '1.12.0';

export class Master implements MasterLink, MasterContext {
  readonly state: MasterState = {
    id: randomUUID(),
    frameworks: new Map(),
    removed: new Set(),
    agents: new Map(),
    offers: new Map(),
  };
  readonly settings: MasterSettings;
  readonly #end = new AbortController();
  readonly #count = { framework: 0, agent: 0, offer: 0 };
  #allocation: NodeJS.Immediate | undefined;

  constructor(settings: MasterSettings) {
    this.settings = settings;
    this.#allocateRegularly();
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Ends its timers; connections are the endpoint's. */
  stop(): void {
    this.#end.abort();
    clearImmediate(this.#allocation);
  }

  readonly send = (framework: Framework, event: SchedulerEvent): void => {
    framework.subscription?.stream.send(event);
  };

  allocateSoon(): void {
    this.#allocation ??= setImmediate(() => {
      this.#allocation = undefined;
      if (!this.signal.aborted) offerFreeResources(this);
    });
  }

  newId(kind: 'framework' | 'agent' | 'offer'): string {
    const number = this.#count[kind]++;
    const ending = { framework: String(number).padStart(4, '0'), agent: `S${number}`, offer: `O${number}` }[kind];
    return `${this.state.id}-${ending}`;
  }

  register(registration: Registration, agent: AgentLink): string {
    return registerAgent(this, registration, agent);
  }

  disconnected(agentId: string): void {
    agentDisconnected(this, agentId);
  }

  unreachable(agentId: string): void {
    agentUnreachable(this, agentId);
  }

  statusUpdate(frameworkId: string, status: TaskStatus, latest: TaskState): void {
    const framework = this.state.frameworks.get(frameworkId);
    if (!framework) return;
    const task = framework.tasks.get(status.taskId.value);
    if (task) Object.assign(task, { state: status.state, latest, status });
    this.send(framework, { type: 'UPDATE', update: { status } });
    if (isTerminal(latest)) this.allocateSoon();
  }

  executorExited({ agentId, frameworkId, executorId, status }: ExecutorExit): void {
    const agent = this.state.agents.get(agentId);
    const framework = this.state.frameworks.get(frameworkId);
    if (agent) {
      agent.executors = agent.executors.filter(
        (executor) => executor.frameworkId !== frameworkId || executor.info.executorId.value !== executorId,
      );
    }
    // Its tasks have ended with it, whatever is still to be heard of them: all that they held is free at once.
    for (const task of tasksOn(this.state, agentId)) {
      if (task.frameworkId === frameworkId && task.executorId === executorId && !isTerminal(task.latest)) {
        task.latest = 'TASK_FAILED';
      }
    }
    const failure = { agentId: { value: agentId }, executorId: { value: executorId }, status };
    if (framework) this.send(framework, { type: 'FAILURE', failure });
    this.allocateSoon();
  }

  executorMessage({ agentId, frameworkId, executorId }: Omit<ExecutorExit, 'status'>, data: Uint8Array): void {
    const message = { agentId: { value: agentId }, executorId: { value: executorId }, data };
    const framework = this.state.frameworks.get(frameworkId);
    if (framework) this.send(framework, { type: 'MESSAGE', message });
  }

  subscribe(subscription: Omit<Subscription, 'masterInfo'>, port: number): void {
    subscribe(this, { ...subscription, masterInfo: this.#info(port) });
  }

  /** Does what a subscribed framework asks for; what comes of it are events. */
  call(framework: Framework, call: Exclude<SchedulerCall, { type: 'SUBSCRIBE' }>): void {
    switch (call.type) {
      case 'ACCEPT':
        return accept(this, framework, call.accept);
      case 'DECLINE':
        return this.#decline(framework, call.decline);
      case 'REVIVE':
        framework.suppressed = false;
        framework.filters = [];
        return this.allocateSoon();
      case 'SUPPRESS':
        framework.suppressed = true;
        return;
      case 'KILL':
        return this.#kill(framework, call.kill);
      case 'SHUTDOWN':
        return this.#agent(call.shutdown)?.shutdownExecutor(framework.id, call.shutdown.executorId.value);
      case 'ACKNOWLEDGE':
        return this.#acknowledge(framework, call.acknowledge);
      case 'RECONCILE':
        return this.#reconcile(framework, call.reconcile.tasks);
      case 'MESSAGE':
        return this.#agent(call.message)?.message(framework.id, call.message.executorId.value, call.message.data);
      case 'TEARDOWN':
        return removeFramework(this, framework);
    }
  }

  #decline(framework: Framework, { offerIds, filters }: Extract<SchedulerCall, { type: 'DECLINE' }>['decline']): void {
    for (const { value } of offerIds) {
      const offer = this.state.offers.get(value);
      if (offer?.frameworkId !== framework.id) continue;
      removeOffer(this, offer);
      refuse(this, framework, offer, filters);
    }
  }

  #kill(framework: Framework, { killPolicy, ...question }: Extract<SchedulerCall, { type: 'KILL' }>['kill']): void {
    const task = framework.tasks.get(question.taskId.value);
    if (task) this.#agent({ agentId: { value: task.agentId } })?.kill(framework.id, question.taskId.value, killPolicy);
    else this.#reconcile(framework, [question]);
  }

  #acknowledge(
    framework: Framework,
    { agentId, taskId, uuid }: Extract<SchedulerCall, { type: 'ACKNOWLEDGE' }>['acknowledge'],
  ): void {
    const { status } = framework.tasks.get(taskId.value) ?? {};
    if (status && isTerminal(status.state) && Buffer.compare(status.uuid ?? Buffer.alloc(0), uuid) === 0) {
      framework.tasks.delete(taskId.value);
    }
    this.#agent({ agentId })?.acknowledge(framework.id, taskId.value, uuid);
  }

  #reconcile(framework: Framework, questions: readonly TaskQuestion[]): void {
    for (const status of reconcile(this.state, framework, questions, this.settings.clock.now())) {
      this.send(framework, { type: 'UPDATE', update: { status } });
    }
  }

  /** The way to an agent that is there. */
  #agent({ agentId }: { agentId: { value: string } }): AgentLink | undefined {
    const agent = this.state.agents.get(agentId.value);
    return agent?.connected ? agent.link : undefined;
  }

  #info(port: number): MasterInfo {
    const { hostname, ip } = this.settings;
    // Network byte order, read as a little-endian number.
    const numericIp = Buffer.from(ip.split('.').map(Number)).readUInt32LE();
    return { id: this.state.id, ip: numericIp, port, hostname, version: VERSION, address: { hostname, ip, port } };
  }

  #allocateRegularly(): void {
    const { clock, allocationIntervalMs } = this.settings;
    const again = () => {
      offerFreeResources(this);
      this.#allocateRegularly();
    };
    after(clock, allocationIntervalMs, again, this.signal);
  }
}
