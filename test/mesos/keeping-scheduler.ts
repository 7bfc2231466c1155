// A scheduler that does what ours must do on any wire: it stores every update before it acknowledges it, and launches what
// it has not heard of.
import { once, EventEmitter } from 'node:events';
import type { ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { createLogger } from '../../src/log.ts';
import { parseMasters } from '../../src/mesos/masters.ts';
import { MesosSchedulerClient } from '../../src/mesos/scheduler-client.ts';
import type { Offer, SchedulerCall, SchedulerEvent, TaskInfo, TaskStatus } from '../../src/mesos/types.ts';
import { hurried } from './helpers/hurried.ts';
import { FRAMEWORK } from './helpers/scheduler.ts';

const PATIENCE_MS = 40_000;
/** What the test executor says when it is. */
const SUBSCRIBED = Buffer.from('subscribed');

export class KeepingScheduler {
  /** States of each task in the order in which they were stored; what came twice stands once. */
  readonly stored = new Map<string, string[]>();
  /** What the first update with data carried. */
  readonly data = new Map<string, string>();
  subscriptions = 0;
  /** Of executors, which say it by a message. */
  executorSubscriptions = 0;
  readonly #client: MesosSchedulerClient;
  readonly #changes = new EventEmitter();
  readonly #seen = new Set<string>();
  /** What reconciliation said last. */
  readonly #reconciled = new Map<string, string>();
  #launch: ((offer: Offer) => TaskInfo[]) | null = null;
  #failure: unknown = null;

  constructor(t: ExecutionContext, master: string) {
    this.#client = new MesosSchedulerClient({
      masters: parseMasters(master),
      frameworkInfo: FRAMEWORK,
      log: createLogger('test', process.env['LOG_LEVEL'] ?? 'silent'),
      clock: hurried,
      backoff: { minMs: 20, maxMs: 100 },
    });
    const end = new AbortController();
    const ended = this.#client
      .run((event) => this.#on(event), end.signal)
      .catch((error: unknown) => {
        this.#failure = error;
        this.#changes.emit('change');
      });
    t.teardown(async () => {
      end.abort();
      await ended;
    });
  }

  /** Launches tasks on the first offer. Resolves when the master has taken it. */
  async launch(tasks: (offer: Offer) => TaskInfo[]): Promise<void> {
    this.#launch = tasks;
    await this.until('the launch', () => this.#launch === null);
  }

  /** Resolves when it is subscribed anew, counted from now. */
  async resubscribed(): Promise<void> {
    const before = this.subscriptions;
    await this.until('a new subscription', () => this.subscriptions > before);
  }

  /** The same of its executor. */
  async executorResubscribed(): Promise<void> {
    const before = this.executorSubscriptions;
    await this.until('a new subscription of the executor', () => this.executorSubscriptions > before);
  }

  /** Resolves when nothing is left to acknowledge of these tasks, all of which have ended: then Mesos forgets them. */
  async forgotten(taskIds: string[]): Promise<void> {
    const tasks = taskIds.map((value) => ({ taskId: { value } }));
    for (;;) {
      this.#reconciled.clear();
      const { subscriptions } = this;
      const isAnswered = (): boolean => this.#reconciled.size === taskIds.length;
      if (await this.#try({ type: 'RECONCILE', reconcile: { tasks } })) {
        // The answers may be lost with their stream.
        await this.until('reconciliation', () => isAnswered() || this.subscriptions > subscriptions);
        if (isAnswered() && [...this.#reconciled.values()].every((state) => state === 'TASK_UNKNOWN')) return;
      }
      // What is not acknowledged yet comes again by itself, and heartbeats come in any case.
      await this.#change(AbortSignal.timeout(PATIENCE_MS));
    }
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!holds()) {
      if (this.#failure !== null) throw this.#failure as Error;
      if (deadline.aborted) throw new Error(`expected ${what}; stored: ${JSON.stringify([...this.stored])}`);
      await this.#change(deadline);
    }
  }

  async #on(event: SchedulerEvent): Promise<void> {
    if (event.type === 'SUBSCRIBED') this.subscriptions += 1;
    if (event.type === 'MESSAGE' && Buffer.from(event.message.data).equals(SUBSCRIBED)) this.executorSubscriptions += 1;
    if (event.type === 'UPDATE') await this.#store(event.update.status);
    if (event.type === 'OFFERS') await this.#answer(event.offers.offers);
    this.#changes.emit('change');
  }

  async #store({ taskId, state, uuid, agentId, data }: TaskStatus): Promise<void> {
    if (uuid === undefined || agentId === undefined) {
      this.#reconciled.set(taskId.value, state);
      return;
    }
    const key = Buffer.from(uuid).toString('hex');
    if (!this.#seen.has(key)) this.stored.set(taskId.value, [...(this.stored.get(taskId.value) ?? []), state]);
    this.#seen.add(key);
    if (data !== undefined && !this.data.has(taskId.value)) this.data.set(taskId.value, Buffer.from(data).toString());
    await this.#try({ type: 'ACKNOWLEDGE', acknowledge: { agentId, taskId, uuid } });
  }

  async #answer(offers: Offer[]): Promise<void> {
    for (const offer of offers) {
      const taskInfos = this.#launch?.(offer) ?? [];
      const operations = taskInfos.length === 0 ? [] : [{ type: 'LAUNCH' as const, launch: { taskInfos } }];
      const accept = { offerIds: [offer.id], operations, filters: { refuseSeconds: 3600 } };
      if ((await this.#try({ type: 'ACCEPT', accept })) && taskInfos.length > 0) this.#launch = null;
    }
  }

  /** True when the master took it. What it did not take because it is away comes up again. */
  async #try(call: SchedulerCall): Promise<boolean> {
    try {
      await this.#client.call(call);
      return true;
    } catch (error) {
      if (error instanceof OperatorError && error.retryable) return false;
      throw error;
    }
  }

  async #change(deadline: AbortSignal): Promise<void> {
    try {
      await once(this.#changes, 'change', { signal: deadline });
    } catch (error) {
      if (!deadline.aborted) throw error;
    }
  }
}
