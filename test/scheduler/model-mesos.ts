import { OperatorError } from '../../src/errors.ts';
import { encodeExecutorMessage } from '../../src/mesos/messages.ts';
import type {
  Id,
  OfferOperation,
  OperationStatus,
  Resource,
  SchedulerCall,
  SchedulerClient,
  SchedulerEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../src/mesos/types.ts';
import type { PhaseName } from '../../src/model/phase.ts';
import type { StepReport } from '../../src/model/step.ts';
import { Bag } from './bag.ts';
import { normalWithKey } from './helpers.ts';
import { encodedOf, ModelAgent } from './model-agent.ts';
import { ModelOffers } from './model-offers.ts';
import { changeOf, type Operation } from './model-operations.ts';

const FRAMEWORK = 'fw';

/** What the world around watches. */
export interface Watch {
  now: () => number;
  /** A call that the master read, before it acts on it. */
  onCall: (call: SchedulerCall) => void;
  /** Words of an executor whose step was done well. */
  report: (phase: PhaseName, executorId: string) => StepReport;
}

interface Session {
  onEvent: (event: SchedulerEvent) => void | Promise<void>;
  subscribed: boolean;
  dead: boolean;
}

/** A master and its agents as the scheduler meets them; what is delivered when, and what is lost, is up to the test. */
export class ModelMesos {
  readonly agents: ModelAgent[];
  /** Events on their way to the scheduler, in their order. */
  queue: SchedulerEvent[] = [];
  /** What becomes of the next call: lost on its way, or carried out with its answer lost. */
  losesNextCall: 'CALL' | 'ANSWER' | null = null;
  /** The framework was ended, and all that was left of it. */
  isTornDown = false;
  readonly #watch: Watch;
  #session: Session | null = null;
  readonly #offers: ModelOffers;
  readonly #operations = new Map<string, OperationStatus>();
  #numbers = 0;

  constructor(hosts: string[], role: string, resources: Resource[], watch: Watch) {
    this.#watch = watch;
    this.#offers = new ModelOffers({ frameworkId: FRAMEWORK, role });
    const events = {
      update: (_agent: ModelAgent, status: TaskStatus) => this.#say({ type: 'UPDATE', update: { status } }),
      executorEnded: ({ id }: ModelAgent, executorId: string) =>
        this.#say({ type: 'FAILURE', failure: { agentId: { value: id }, executorId: { value: executorId } } }),
      health: ({ id }: ModelAgent, executorId: string) => this.#sayHealth(id, executorId),
      report: watch.report,
    };
    this.agents = hosts.map((host) => new ModelAgent(`agent-${host}`, host, resources, events));
  }

  get subscribed(): boolean {
    return this.#session?.subscribed === true;
  }

  agent(id: string | undefined): ModelAgent | undefined {
    return this.agents.find((agent) => agent.id === id);
  }

  /** The connection of a scheduler that starts; the one before it is dead from then on. */
  client(): SchedulerClient {
    this.cut();
    if (this.#session) this.#session.dead = true;
    const session: Session = { onEvent: () => undefined, subscribed: false, dead: false };
    this.#session = session;
    return {
      get subscribed() {
        return session.subscribed;
      },
      run: async (onEvent, signal) => {
        session.onEvent = onEvent;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      call: (call) => this.#call(session, call),
    };
  }

  /** The connection breaks: what was on its way is lost, and all offers are void. */
  cut(): void {
    this.queue = [];
    this.#offers.reset();
    if (this.#session) this.#session.subscribed = false;
  }

  /** Hands one event over, the oldest or another; returns when the scheduler has handled it. */
  async deliver(index = 0): Promise<void> {
    const [event] = this.queue.splice(index, 1);
    if (event) await this.#session?.onEvent(event);
  }

  async subscribe(): Promise<void> {
    if (!this.#session || this.#session.subscribed) return;
    this.#session.subscribed = true;
    await this.#session.onEvent({ type: 'SUBSCRIBED', subscribed: { frameworkId: { value: FRAMEWORK } } });
  }

  pass(): void {
    for (const agent of this.agents) agent.pass(this.#watch.now());
    for (const status of this.#operations.values()) this.#sayOperation(status);
    const offers = this.subscribed ? this.#offers.make(this.agents, this.#watch.now()) : [];
    if (offers.length > 0) this.#say({ type: 'OFFERS', offers: { offers } });
  }

  lose(agent: ModelAgent): void {
    if (agent.standing !== 'REGISTERED') return;
    agent.standing = 'UNREACHABLE';
    this.#agentLost(agent, 'TASK_UNREACHABLE');
  }

  /** The master keeps only so many unreachable agents in mind, and for so long. */
  forget(agent: ModelAgent): void {
    if (agent.standing === 'UNREACHABLE') agent.standing = 'FORGOTTEN';
  }

  /** It comes back with all that ran on; what runs is told, or that news is lost. */
  bringBack(agent: ModelAgent, isTold: boolean): void {
    if (agent.standing !== 'UNREACHABLE' && agent.standing !== 'FORGOTTEN') return;
    agent.standing = 'REGISTERED';
    if (isTold) for (const { taskId, state } of agent.liveTasks) this.#answer(taskId, state, agent.id);
    agent.resend(this.#watch.now());
  }

  /** The operator says that it is gone for good, and so it is. */
  removeAgent(agent: ModelAgent): void {
    if (agent.standing === 'GONE') return;
    agent.standing = 'GONE';
    this.#agentLost(agent, 'TASK_GONE_BY_OPERATOR');
    agent.executors.clear();
    agent.ended.clear();
  }

  #agentLost(agent: ModelAgent, state: TaskState): void {
    for (const value of this.#offers.rescind(agent.id)) this.#say({ type: 'RESCIND', rescind: { offerId: { value } } });
    for (const { taskId } of agent.liveTasks) this.#answer(taskId, state, agent.id);
    this.#say({ type: 'FAILURE', failure: { agentId: { value: agent.id } } });
  }

  #say(event: SchedulerEvent): void {
    if (this.subscribed) this.queue.push(event);
  }

  /** What the master says by itself is said once. */
  #answer(taskId: string, state: TaskState, agentId?: string): void {
    const where = agentId === undefined ? {} : { agentId: { value: agentId } };
    const status: TaskStatus = { taskId: { value: taskId }, state, source: 'SOURCE_MASTER', ...where };
    this.#say({ type: 'UPDATE', update: { status } });
  }

  #sayHealth(agentId: string, executorId: string): void {
    const data = encodeExecutorMessage({ health: normalWithKey });
    this.#say({ type: 'MESSAGE', message: { agentId: { value: agentId }, executorId: { value: executorId }, data } });
  }

  #sayOperation(status: OperationStatus): void {
    this.#say({ type: 'UPDATE_OPERATION_STATUS', updateOperationStatus: { status } });
  }

  #call(session: Session, call: SchedulerCall): Promise<void> {
    const lost = this.losesNextCall;
    this.losesNextCall = null;
    const unavailable = () => new OperatorError('MESOS_UNAVAILABLE', `the model lost ${call.type}`);
    if (session.dead || !session.subscribed || lost === 'CALL') return Promise.reject(unavailable());
    this.#watch.onCall(call);
    this.#act(call);
    return lost === 'ANSWER' ? Promise.reject(unavailable()) : Promise.resolve();
  }

  #act(call: SchedulerCall): void {
    switch (call.type) {
      case 'ACCEPT':
        return this.#accept(call.accept.offerIds, call.accept.operations, call.accept.filters?.refuseSeconds ?? 5);
      case 'DECLINE':
        for (const id of call.decline.offerIds) this.#endOffer(id, call.decline.filters?.refuseSeconds ?? 5);
        return;
      case 'REVIVE':
        this.#offers.revive();
        return;
      case 'SUPPRESS':
        this.#offers.isSuppressed = true;
        return;
      case 'KILL':
        return this.#kill(call.kill.taskId.value, call.kill.agentId?.value);
      case 'SHUTDOWN':
        return this.#shutDown(call.shutdown.agentId.value, call.shutdown.executorId.value);
      case 'ACKNOWLEDGE': {
        const { agentId, taskId, uuid } = call.acknowledge;
        return this.agent(agentId.value)?.acknowledge(taskId.value, uuid, this.#watch.now());
      }
      case 'ACKNOWLEDGE_OPERATION_STATUS':
        this.#operations.delete(call.acknowledgeOperationStatus.operationId.value);
        return;
      case 'RECONCILE':
        return this.#reconcile(call.reconcile.tasks);
      case 'TEARDOWN':
        this.isTornDown = true;
        return;
      default:
        return;
    }
  }

  #endOffer(id: Id, refuseSeconds: number): void {
    this.#offers.end(id, this.#watch.now() + refuseSeconds * 1000);
  }

  #accept(offerIds: Id[], operations: OfferOperation[], refuseSeconds: number): void {
    const offers = offerIds.map(({ value }) => this.#offers.get(value));
    const agent = this.agent(offers[0]?.agentId.value);
    const isValid = offers.every((offer) => offer !== undefined && offer.agentId.value === agent?.id);
    const bag = new Bag(isValid ? offers.flatMap((offer) => offer?.resources ?? []) : []);
    for (const operation of operations) {
      if (operation.type !== 'LAUNCH') this.#operate(agent, bag, operation);
      else for (const task of operation.launch.taskInfos) this.#launch(agent, isValid, bag, task);
    }
    for (const id of offerIds) this.#endOffer(id, refuseSeconds);
  }

  #launch(agent: ModelAgent | undefined, isValid: boolean, bag: Bag, task: TaskInfo): void {
    const taskId = task.taskId.value;
    if (!isValid || agent?.standing !== 'REGISTERED') return this.#answer(taskId, 'TASK_DROPPED', task.agentId.value);
    const running = agent.executors.get(task.executor?.executorId.value ?? '');
    const isOther =
      running !== undefined && task.executor !== undefined && running.encoded !== encodedOf(task.executor);
    const wanted = [...task.resources, ...(running ? [] : (task.executor?.resources ?? []))];
    if (isOther || !bag.take(wanted)) return this.#answer(taskId, 'TASK_ERROR', agent.id);
    agent.launch(task, this.#watch.now());
  }

  #operate(agent: ModelAgent | undefined, bag: Bag, operation: Operation): void {
    const [from, to] = changeOf(operation);
    const done = agent?.standing === 'REGISTERED' && bag.take(from) && agent.total.take(from);
    if (done) {
      bag.add(to);
      agent.total.add(to);
    }
    const { id } = operation;
    if (!id) return;
    const status: OperationStatus = {
      operationId: id,
      state: done ? 'OPERATION_FINISHED' : 'OPERATION_ERROR',
      uuid: { value: Buffer.from(`operation.${(this.#numbers += 1)}`) },
      ...(agent ? { agentId: { value: agent.id } } : {}),
    };
    this.#operations.set(id.value, status);
    this.#sayOperation(status);
  }

  #kill(taskId: string, agentId: string | undefined): void {
    const agent = this.agents.find(({ liveTasks }) => liveTasks.some((task) => task.taskId === taskId));
    if (agent?.standing === 'REGISTERED') agent.kill(taskId, this.#watch.now());
    else this.#answer(taskId, this.#stateOf(taskId, agentId), agentId);
  }

  #shutDown(agentId: string, executorId: string): void {
    const agent = this.agent(agentId);
    if (agent?.standing === 'REGISTERED') agent.endExecutor(executorId, 'TASK_KILLED', this.#watch.now());
  }

  #reconcile(questions: { taskId: Id; agentId?: Id }[]): void {
    for (const { taskId, agentId } of questions) {
      this.#answer(taskId.value, this.#stateOf(taskId.value, agentId?.value), agentId?.value);
    }
    if (questions.length > 0) return;
    for (const agent of this.agents) {
      if (agent.standing !== 'REGISTERED') continue;
      for (const { taskId, state } of agent.liveTasks) this.#answer(taskId, state, agent.id);
    }
  }

  #stateOf(taskId: string, agentId: string | undefined): TaskState {
    const known = this.agents.find(({ tasks }) => tasks.some((task) => task.taskId === taskId));
    const agent = known ?? this.agent(agentId);
    if (!agent) return 'TASK_UNKNOWN';
    if (agent.standing === 'GONE') return 'TASK_GONE_BY_OPERATOR';
    if (agent.standing === 'UNREACHABLE') return 'TASK_UNREACHABLE';
    if (agent.standing === 'FORGOTTEN') return 'TASK_UNKNOWN';
    return known?.tasks.find((task) => task.taskId === taskId)?.state ?? 'TASK_GONE';
  }
}
