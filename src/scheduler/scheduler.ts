import { advance, stepsToKill } from '../jobs/advance.ts';
import { isStepActive } from '../model/cluster-job.ts';
import type { SchedulerEvent } from '../mesos/types.ts';
import { send, type SchedulerContext } from './context.ts';
import { newNode } from '../model/node.ts';
import { mustStop } from './node-lifecycle.ts';
import { currentNeeds, onOffers } from './offers.ts';
import { onMessage, onUpdate } from './updates.ts';

const TICK_MS = 1_000;
/** A KILL may be lost on its way; it is repeated until the task has ended. */
const REPEAT_KILL_MS = 10_000;
/** Offers for what is wanted may have been filtered: asked for again that often. */
const REPEAT_REVIVE_MS = 10_000;

/**
 * The event loop: Mesos' events and time go in, decisions of the pure rules come out, stored before they are
 * sent. Holds nothing that it could not lose: all of it is in SQLite or comes again.
 */
export class Scheduler {
  readonly #context: SchedulerContext;
  #offersWanted: boolean | null = null;
  #revivedAt = 0;
  readonly #killedAt = new Map<string, number>();
  #pass: Promise<void> | null = null;
  #again = false;
  #fail: (error: unknown) => void = () => undefined;

  constructor(context: SchedulerContext) {
    this.#context = context;
    this.#createNodes();
    this.#forgetHealth();
  }

  /** What a node said to an earlier scheduler says nothing of now: it counts as unknown until it speaks again. */
  #forgetHealth(): void {
    const { state } = this.#context;
    for (const node of state.nodes.all()) {
      if (node.health !== null) state.nodes.save({ ...node, health: null, healthAt: null });
    }
  }

  #createNodes(): void {
    const { state, settings } = this.#context;
    state.transaction(() => {
      for (let count = state.nodes.all().length; count < settings.nodeCount; count += 1) {
        state.nodes.save(newNode(settings.clusterName, state.nodes.nextNumber(), count < settings.seedCount));
      }
    });
  }

  /** Runs until the signal aborts. Rejects when the master removed the framework or a rule broke. */
  async run(signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const failed = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    const timer = setInterval(() => this.wake(), TICK_MS);
    try {
      await Promise.race([client.run((event) => this.#onEvent(event), signal), failed]);
    } finally {
      clearInterval(timer);
      await this.#pass;
    }
  }

  /** Something changed: decide again, soon. Called by the API as well. */
  wake(): void {
    this.#again = true;
    this.#pass ??= this.#decide().finally(() => {
      this.#pass = null;
      // Woken while the last pass was ending: nothing may wait for the next tick.
      if (this.#again) this.wake();
    });
  }

  async #decide(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#decideOnce();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #decideOnce(): Promise<void> {
    const { client, jobs, state, clock, limits } = this.#context;
    // Cut off from the master nobody can be heard, which is not the steps' silence.
    if (!client.subscribed) jobs.resume();
    const job = jobs.running();
    if (job) jobs.update(job.id, (current) => advance(current, state.nodes.all(), clock.now(), limits));
    for (const node of state.nodes.all()) {
      // A restart of a node that does not run is a start.
      const restartsAlready = node.targetRunState === 'RESTART' && node.serverState === 'NONE';
      if (restartsAlready) state.nodes.save({ ...node, targetRunState: 'RUN' });
    }
    if (!client.subscribed) return;
    await this.#killWhatMustEnd();
    await this.#askForOffers();
  }

  async #killWhatMustEnd(): Promise<void> {
    const { jobs, state, clock, limits } = this.#context;
    const job = jobs.running();
    const steps = job ? stepsToKill(job, clock.now(), limits) : [];
    const servers = state.nodes
      .all()
      .flatMap((node) => (mustStop(node) && node.serverTaskId ? [node.serverTaskId] : []));
    const wanted = [...steps, ...servers];
    for (const taskId of this.#killedAt.keys()) if (!wanted.includes(taskId)) this.#killedAt.delete(taskId);
    for (const taskId of wanted) {
      if (clock.now() - (this.#killedAt.get(taskId) ?? 0) < REPEAT_KILL_MS) continue;
      this.#killedAt.set(taskId, clock.now());
      await send(this.#context, { type: 'KILL', kill: { taskId: { value: taskId } } });
    }
  }

  /** REVIVE when something is wanted, SUPPRESS when nothing is. */
  async #askForOffers(): Promise<void> {
    const now = this.#context.clock.now();
    const wanted = currentNeeds(this.#context).length > 0;
    if (wanted && (this.#offersWanted !== true || now - this.#revivedAt > REPEAT_REVIVE_MS)) {
      this.#revivedAt = now;
      await send(this.#context, { type: 'REVIVE' });
    } else if (!wanted && this.#offersWanted !== false) {
      await send(this.#context, { type: 'SUPPRESS' });
    }
    this.#offersWanted = wanted;
  }

  async #onEvent(event: SchedulerEvent): Promise<void> {
    const { log } = this.#context;
    switch (event.type) {
      case 'SUBSCRIBED':
        await this.#onSubscribed(event.subscribed.frameworkId.value);
        break;
      case 'OFFERS':
        await onOffers(this.#context, event.offers.offers);
        // What was wanted is launched or refused; whatever is wanted next is asked for anew.
        this.#offersWanted = null;
        break;
      case 'UPDATE':
        await onUpdate(this.#context, event.update.status);
        break;
      case 'MESSAGE':
        onMessage(this.#context, event.message.executorId.value, event.message.data);
        break;
      case 'FAILURE':
        this.#onFailure(event.failure.executorId?.value ?? null);
        break;
      case 'ERROR':
        log.error({ message: event.error.message }, 'the master ended the subscription');
        break;
      default:
        return;
    }
    this.wake();
  }

  async #onSubscribed(frameworkId: string): Promise<void> {
    const { jobs, state, log } = this.#context;
    state.framework.set('frameworkId', frameworkId);
    // Also when the loss was not noticed, because this process itself stood still.
    jobs.resume();
    log.info({ frameworkId }, 'subscribed');
    this.#offersWanted = null;
    const tasks = this.#activeTasks();
    // Explicit: what became of the tasks that we know. Implicit: which tasks run that we do not know.
    if (tasks.length > 0) await send(this.#context, { type: 'RECONCILE', reconcile: { tasks } });
    await send(this.#context, { type: 'RECONCILE', reconcile: { tasks: [] } });
  }

  #activeTasks(): { taskId: { value: string }; agentId?: { value: string } }[] {
    const { state, jobs } = this.#context;
    const nodes = state.nodes.all();
    const servers = nodes.map(({ serverTaskId, executorId }) => ({ taskId: serverTaskId, executorId }));
    const steps = jobs.running()?.phases.flatMap((phase) => phase.steps.filter(isStepActive)) ?? [];
    return [...servers, ...steps].flatMap(({ taskId, executorId }) => {
      const agentId = nodes.find((node) => node.executorId === executorId)?.agentId;
      if (taskId === null) return [];
      return [{ taskId: { value: taskId }, ...(agentId ? { agentId: { value: agentId } } : {}) }];
    });
  }

  /** The executor ended: its successor may be described anew. Its tasks end by updates of their own. */
  #onFailure(executorId: string | null): void {
    const node = executorId === null ? null : this.#context.state.nodes.get(executorId);
    if (!node) return;
    this.#context.log.warn({ node: node.executorId }, 'the executor ended');
    this.#context.state.nodes.save({ ...node, executorInfo: null });
  }
}
