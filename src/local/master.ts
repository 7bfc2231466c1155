// The master of the embedded Mesos: what it knows, what it hears from agents, and its calls one by one.
import { randomUUID } from 'node:crypto';
import type {
  MasterInfo,
  OperationStatus,
  SchedulerCall,
  SchedulerEvent,
  TaskState,
  TaskStatus,
} from '../mesos/types.ts';
import { accept } from './accept.ts';
import { agentDisconnected, agentUnreachable, expectAgents, markAgentGone, registerAgent } from './agents.ts';
import { acknowledgeOperation, operationStatus, reconcileOperations } from './framework-operations.ts';
import { removeFramework, subscribe, type Subscription } from './frameworks.ts';
import type { AgentLink, ExecutorExit, MasterLink, Registration } from './links.ts';
import type { MasterContext, MasterSettings } from './master-context.ts';
import { emptyState, removeTask, rolesOf, type Framework, type MasterState } from './master-state.ts';
import { expireRefusals, offerFreeResources, refuse, removeOffer } from './offers.ts';
import { reconcile, type TaskQuestion } from './reconciliation.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { after } from './timer.ts';

/** The version that it speaks like. */
const VERSION = '1.12.0';

/** What outlives a master: the registry of the real one. */
export interface Registry {
  agents: Iterable<string>;
  gone: Iterable<string>;
  removedFrameworks: Iterable<string>;
}

/** Its agents may be any objects that do as AgentLink says: a benchmark's are thousands in one process. */
export class Master implements MasterLink, MasterContext {
  readonly state: MasterState = emptyState(randomUUID());
  readonly settings: MasterSettings;
  readonly #end = new AbortController();
  readonly #count = { framework: 0, agent: 0, offer: 0 };
  /** Agents of which something may be offered that was not when they were looked at last. */
  readonly #touched = new Set<string>();
  #allocation: NodeJS.Immediate | undefined;

  /** With the registry of the master before it, it waits for that one's agents. */
  constructor(settings: MasterSettings, registry?: Registry) {
    this.settings = settings;
    this.state.recovered = new Set(registry?.agents);
    this.state.gone = new Set(registry?.gone);
    this.state.removed = new Set(registry?.removedFrameworks);
    expectAgents(this);
    this.#allocateRegularly();
  }

  get registry(): Registry {
    const { agents, recovered, gone, removed } = this.state;
    return { agents: [...agents.keys(), ...recovered], gone, removedFrameworks: removed };
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

  touch(agentId: string): void {
    this.#touched.add(agentId);
  }

  allocateSoon(): void {
    this.#allocation ??= setImmediate(() => {
      this.#allocation = undefined;
      if (!this.signal.aborted) this.#allocate();
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
    if (isTerminal(latest) && task) this.touch(task.agentId);
  }

  operationStatus(frameworkId: string, status: OperationStatus): void {
    const framework = this.state.frameworks.get(frameworkId);
    if (framework) operationStatus(this, framework, status);
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
    for (const task of agent?.tasks ?? []) {
      if (task.frameworkId === frameworkId && task.executorId === executorId && !isTerminal(task.latest)) {
        task.latest = 'TASK_FAILED';
      }
    }
    const failure = { agentId: { value: agentId }, executorId: { value: executorId }, status };
    if (framework) this.send(framework, { type: 'FAILURE', failure });
    this.touch(agentId);
  }

  executorMessage({ agentId, frameworkId, executorId }: Omit<ExecutorExit, 'status'>, data: Uint8Array): void {
    const message = { agentId: { value: agentId }, executorId: { value: executorId }, data };
    const framework = this.state.frameworks.get(frameworkId);
    if (framework) this.send(framework, { type: 'MESSAGE', message });
  }

  subscribe(subscription: Omit<Subscription, 'masterInfo'>, port: number): void {
    subscribe(this, { ...subscription, masterInfo: this.#info(port) });
  }

  /** An operator ends a framework: its stream ends, and when it comes back it hears ERROR. */
  removeFramework(frameworkId: string): void {
    const framework = this.state.frameworks.get(frameworkId);
    if (framework) removeFramework(this, framework);
  }

  /** An operator says that the agent is gone for good. */
  markGone(agentId: string): void {
    markAgentGone(this, agentId);
  }

  /** Does what a subscribed framework asks for; what comes of it are events. */
  call(framework: Framework, call: Exclude<SchedulerCall, { type: 'SUBSCRIBE' }>): void {
    switch (call.type) {
      case 'ACCEPT':
        return accept(this, framework, call.accept);
      case 'DECLINE':
        return this.#decline(framework, call.decline);
      case 'REVIVE':
        return this.#revive(framework, call.revive?.roles ?? []);
      case 'SUPPRESS':
        for (const role of someOf(framework, call.suppress?.roles ?? [])) framework.suppressed.add(role);
        return;
      case 'KILL':
        return this.#kill(framework, call.kill);
      case 'SHUTDOWN':
        return this.#agent(call.shutdown)?.shutdownExecutor(framework.id, call.shutdown.executorId.value);
      case 'ACKNOWLEDGE':
        return this.#acknowledge(framework, call.acknowledge);
      case 'RECONCILE':
        return this.#reconcile(framework, call.reconcile.tasks);
      case 'ACKNOWLEDGE_OPERATION_STATUS':
        return acknowledgeOperation(this, framework, call.acknowledgeOperationStatus);
      case 'RECONCILE_OPERATIONS':
        return reconcileOperations(this, framework, call.reconcileOperations.operations);
      case 'MESSAGE':
        return this.#agent(call.message)?.message(framework.id, call.message.executorId.value, call.message.data);
      case 'TEARDOWN':
        return removeFramework(this, framework);
    }
  }

  #revive(framework: Framework, roles: readonly string[]): void {
    for (const role of someOf(framework, roles)) {
      framework.suppressed.delete(role);
      framework.refusals.clear(role);
    }
    for (const agentId of this.state.agents.keys()) this.touch(agentId);
    this.allocateSoon();
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
    if (!task) return this.#reconcile(framework, [question]);
    task.killed = true;
    this.#agent({ agentId: { value: task.agentId } })?.kill(framework.id, question.taskId.value, killPolicy);
  }

  #acknowledge(
    framework: Framework,
    { agentId, taskId, uuid }: Extract<SchedulerCall, { type: 'ACKNOWLEDGE' }>['acknowledge'],
  ): void {
    const task = framework.tasks.get(taskId.value);
    const { status } = task ?? {};
    if (task && status && isTerminal(status.state) && Buffer.compare(status.uuid ?? Buffer.alloc(0), uuid) === 0) {
      removeTask(this.state, task);
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
    const pid = `master@${ip}:${port}`;
    return { id: this.state.id, ip: numericIp, port, pid, hostname, version: VERSION, address: { hostname, ip, port } };
  }

  #allocateRegularly(): void {
    const { clock, allocationIntervalMs } = this.settings;
    const again = () => {
      this.#allocate();
      this.#allocateRegularly();
    };
    after(clock, allocationIntervalMs, again, this.signal);
  }

  #allocate(): void {
    const agents = new Set([...this.#touched, ...expireRefusals(this)]);
    this.#touched.clear();
    offerFreeResources(this, agents);
  }
}

/** Those roles of the framework; all when none is named. */
function someOf(framework: Framework, roles: readonly string[]): readonly string[] {
  return roles.length > 0 ? roles : rolesOf(framework);
}
