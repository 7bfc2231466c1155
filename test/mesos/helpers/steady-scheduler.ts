import { OperatorError } from '../../../src/errors.ts';
import { createLogger } from '../../../src/log.ts';
import { parseMasters } from '../../../src/mesos/masters.ts';
import { MesosSchedulerClient } from '../../../src/mesos/scheduler-client.ts';
import { isTerminal } from '../../../src/mesos/task-state.ts';
import type {
  FrameworkInfo,
  Offer,
  OfferOperation,
  SchedulerCall,
  SchedulerEvent,
  TaskInfo,
  TaskStatus,
} from '../../../src/mesos/types.ts';
import { contains } from '../../../src/local/resources.ts';
import { hurried } from './hurried.ts';
import { FRAMEWORK, TestScheduler, type Answered } from './scheduler.ts';

const ACCEPTED: Answered = { status: 202, text: '' };
const REPEAT_KILL_MS = 1000;
/** Before the next attempt, when nothing happens before. */
const PAUSE_MS = 200;

/** LAUNCH was lost with the connection between agent and executor: by Mesos' rules that is the end of the task. */
export class TaskDropped extends Error {
  override readonly name = 'TaskDropped';
}

/**
 * The scheduler of the protocol tests for wires that break: our own client subscribes again, and what Mesos leaves to a
 * scheduler is done: calls are made until one was taken, KILL until the task has ended, and what is to be launched goes
 * with the next offer when a new subscription made the last one void.
 */
export class SteadyScheduler extends TestScheduler {
  readonly #client: MesosSchedulerClient;
  readonly #over = new AbortController();
  /** Offers of the present subscription. */
  readonly #offered = new Set<string>();
  /** Why nothing that a test may wait for comes any more. */
  #reason: unknown = null;
  /** Tasks that have ended, or are not known. */
  readonly #ended = new Set<string>();

  private constructor(master: string, info: Partial<FrameworkInfo>) {
    super(master, {});
    this.#client = new MesosSchedulerClient({
      masters: parseMasters(master),
      frameworkInfo: { ...FRAMEWORK, ...info },
      log: createLogger('test', process.env['LOG_LEVEL'] ?? 'silent'),
      clock: hurried,
      backoff: { minMs: 20, maxMs: 100 },
    });
    this.#client
      .run((event) => this.#on(event), this.#over.signal)
      .catch((error: unknown) => {
        this.#over.abort();
        this.#end(error);
      });
  }

  /** Waits for SUBSCRIBED. */
  static override async subscribe(master: string, info: Partial<FrameworkInfo> = {}): Promise<TestScheduler> {
    const scheduler = new SteadyScheduler(master, info);
    await scheduler.next('SUBSCRIBED');
    return scheduler;
  }

  override async call(call: SchedulerCall): Promise<Answered> {
    while (!this.#over.signal.aborted) {
      const answered = await this.#try(call);
      if (answered !== null) {
        if (call.type === 'KILL') this.#killUntilEnded(call);
        return answered;
      }
      await this.change(AbortSignal.timeout(PAUSE_MS));
    }
    return { status: 503, text: 'disconnected' };
  }

  /** With this offer, or with one of the same agent that has as much. */
  override async accept(offer: Offer, operations: OfferOperation[], refuseSeconds = 0): Promise<Answered> {
    const tasks = operations.flatMap((operation) => (operation.type === 'LAUNCH' ? operation.launch.taskInfos : []));
    const accept = { operations, filters: { refuseSeconds } };
    for (let { id } = offer; ;) {
      while (this.#offered.has(id.value)) {
        if ((await this.#try({ type: 'ACCEPT', accept: { ...accept, offerIds: [id] } })) !== null) return ACCEPTED;
        if (await this.#isKnown(tasks[0])) return ACCEPTED;
        await this.change(AbortSignal.timeout(PAUSE_MS));
      }
      const next = await this.wholeOffer(
        ({ agentId, resources }) =>
          agentId.value === offer.agentId.value && (tasks.length === 0 || contains(resources, offer.resources)),
      );
      // What is used up has been taken.
      if (!contains(next.resources, offer.resources)) return this.#decline(next);
      id = next.id;
    }
  }

  #decline({ id }: Offer): Promise<Answered> {
    return this.call({ type: 'DECLINE', decline: { offerIds: [id], filters: { refuseSeconds: 0 } } });
  }

  override disconnect(): void {
    this.#over.abort();
  }

  override async nextOf(fits: (event: SchedulerEvent) => boolean, wanted?: string): Promise<SchedulerEvent> {
    try {
      return await super.nextOf(fits, wanted);
    } catch (error) {
      throw this.#reason ?? error;
    }
  }

  #on(event: SchedulerEvent): void {
    if (event.type === 'SUBSCRIBED') {
      this.#offered.clear();
      this.forget('OFFERS');
    }
    if (event.type === 'OFFERS') return this.#takeOffers(event.offers.offers);
    if (event.type === 'UPDATE') this.#note(event.update.status);
    this.take(event);
  }

  /** Once each. */
  #takeOffers(offers: Offer[]): void {
    const fresh = offers.filter(({ id }) => !this.#offered.has(id.value));
    for (const { id } of fresh) this.#offered.add(id.value);
    if (fresh.length > 0) this.take({ type: 'OFFERS', offers: { offers: fresh } });
  }

  #note({ taskId, state }: TaskStatus): void {
    if (isTerminal(state) || state === 'TASK_UNKNOWN') this.#ended.add(taskId.value);
    if (state === 'TASK_DROPPED') this.#end(new TaskDropped(`LAUNCH of ${taskId.value} was lost`));
  }

  #end(reason: unknown): void {
    this.#reason ??= reason;
    this.end();
  }

  /** Null when it is not known whether the master has taken it. */
  async #try(call: SchedulerCall): Promise<Answered | null> {
    try {
      await this.#client.call(call);
      return ACCEPTED;
    } catch (error) {
      if (error instanceof OperatorError && error.retryable) return null;
      throw error;
    }
  }

  /** Asks the master, until it has answered. */
  async #isKnown(task: TaskInfo | undefined): Promise<boolean> {
    if (task === undefined) return false;
    const { taskId, agentId } = task;
    for (;;) {
      await this.call({ type: 'RECONCILE', reconcile: { tasks: [{ taskId, agentId }] } });
      const answer = await this.nextOf(
        (event) =>
          event.type === 'SUBSCRIBED' ||
          (event.type === 'UPDATE' &&
            event.update.status.taskId.value === taskId.value &&
            event.update.status.reason === 'REASON_RECONCILIATION'),
      );
      if (answer.type === 'UPDATE') return !/UNKNOWN|GONE/.test(answer.update.status.state);
    }
  }

  /** Ends with the test at the latest. */
  #killUntilEnded(call: SchedulerCall & { type: 'KILL' }): void {
    const { signal } = this.#over;
    const repeat = async (): Promise<void> => {
      while (!this.#ended.has(call.kill.taskId.value)) {
        await hurried.sleep(REPEAT_KILL_MS, signal);
        await this.#try(call);
      }
    };
    repeat().catch((error: unknown) => this.#end(error));
  }
}
