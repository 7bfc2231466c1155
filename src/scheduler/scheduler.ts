import { setImmediate } from 'node:timers/promises';
import { pause } from '../clock.ts';
import type { SchedulerEvent } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { CarryOut } from './carry-out.ts';
import { send, type SchedulerContext } from './context.ts';
import { rememberFramework } from './framework-id.ts';
import { addMissingNodes } from './missing-nodes.ts';
import { OfferInterest } from './offer-interest.ts';
import { comingSoon, KeptOffers } from './kept-offers.ts';
import { currentNeeds } from './needs.ts';
import { OfferReturns } from './offer-returns.ts';
import { giveBack, onOffers } from './offers.ts';
import { Reconciler } from './reconciler.ts';
import { TellPace } from './tell-pace.ts';
import { Teardown } from './teardown.ts';
import { onOperation, storeNews, type News } from './updates.ts';

const TICK_MS = 1_000;
const NEWS_AT_ONCE = 50;
/** Calls go one after the other, and each has to be answered within seconds. */
const MOST_UNANSWERED = 200;

/**
 * The event loop: Mesos' events and time go in, decisions of the pure rules come out, stored before they are
 * sent. Holds nothing that it could not lose: all of it is in SQLite or comes again.
 */
export class Scheduler {
  readonly #context: SchedulerContext;
  readonly #returns: OfferReturns;
  readonly #keptOffers = new KeptOffers();
  readonly #interest = new OfferInterest();
  readonly #carryOut: CarryOut;
  readonly #reconciler: Reconciler;
  readonly #teardown: Teardown;
  readonly #tellPace: TellPace;
  #pass: Promise<void> | null = null;
  #again = false;
  /** Told, and not stored yet. */
  readonly #news: News[] = [];
  #taking: Promise<void> = Promise.resolve();
  /** Calls that follow from news and are under way; `#answering` ends with the last of them. */
  #unanswered = 0;
  #answering: Promise<unknown> = Promise.resolve();
  /** Aborts when `run` ends. */
  #over = new AbortController();
  #fail: (error: unknown) => void = () => undefined;

  constructor(parts: SchedulerContext) {
    this.#returns = new OfferReturns(parts.client);
    const context = { ...parts, client: this.#returns, keptOffers: this.#keptOffers, unsent: new Set<string>() };
    this.#context = context;
    this.#carryOut = new CarryOut(context);
    this.#reconciler = new Reconciler(context);
    this.#teardown = new Teardown(context);
    this.#tellPace = new TellPace(context);
    addMissingNodes(context);
  }

  /**
   * Runs until the signal aborts. Rejects when the master removed the framework (FRAMEWORK_REMOVED) or a rule broke.
   * A cluster that was destroyed has nothing left to run for: then it just waits for the signal.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const failed = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#over = new AbortController();
    const ticking = this.#tick(this.#over.signal);
    try {
      await Promise.race([
        this.#teardown.run((ending) => client.run((event) => this.#onEvent(event), ending), signal),
        failed,
      ]);
    } finally {
      this.#over.abort();
      await ticking;
      await this.#pass;
    }
  }

  /** Much is decided by time alone. */
  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wakeIn(TICK_MS, signal);
    }
  }

  async #wakeIn(ms: number, signal: AbortSignal): Promise<void> {
    await pause(this.#context.clock, ms, signal);
    if (!signal.aborted) this.wake();
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
    const { client, jobs, limits } = this.#context;
    // Cut off from the master nobody can be heard, which is not the steps' silence.
    if (!client.subscribed) jobs.resume();
    jobs.tick(limits);
    this.#carryOut.settleNodes();
    if (!client.subscribed) return;
    const { declineHeld } = this.#returns;
    if (declineHeld) await send(this.#context, declineHeld);
    await this.#carryOut.endWhatMustEnd();
    await this.#tellPace.tell();
    await this.#reconciler.ask();
    await this.#useKeptOffers();
    await this.#askForOffers();
    await this.#teardown.whenNothingIsLeft();
  }

  async #useKeptOffers(): Promise<void> {
    const context = this.#context;
    const offers = this.#keptOffers.takeFor(currentNeeds(context));
    if (offers.length > 0) await onOffers(context, offers);
    await giveBack(context, this.#keptOffers.takeOver(comingSoon(context), context.clock.now()));
  }

  /** REVIVE when something new is wanted, SUPPRESS when nothing is. */
  async #askForOffers(): Promise<void> {
    const { state, clock } = this.#context;
    const launches = currentNeeds(this.#context).map((need) =>
      [need.kind, need.node.executorId, 'stepIndex' in need ? `${need.phaseIndex}.${need.stepIndex}` : ''].join(' '),
    );
    const endings = this.#carryOut.waitsForExecutors().map((executorId) => `end ${executorId}`);
    const { call, waitMs } = this.#interest.next([...launches, ...endings], state.nodes.all().length, clock.now());
    // What the master has not heard is said again at the next look.
    if (call !== null && !(await send(this.#context, { type: call }))) this.#interest.reset();
    if (waitMs !== null) void this.#wakeIn(waitMs, this.#over.signal);
  }

  async #onEvent(event: SchedulerEvent): Promise<void> {
    const { log } = this.#context;
    if (event.type === 'UPDATE' || event.type === 'MESSAGE') return this.#hear(event);
    this.#takeNews();
    this.#keptOffers.hear(event);
    switch (event.type) {
      case 'SUBSCRIBED':
        await this.#onSubscribed(event.subscribed.frameworkId.value);
        break;
      case 'OFFERS':
        await this.#carryOut.settleExecutors(event.offers.offers);
        await onOffers(this.#context, event.offers.offers);
        break;
      case 'UPDATE_OPERATION_STATUS':
        await onOperation(this.#context, event.updateOperationStatus.status);
        break;
      case 'FAILURE':
        this.#onFailure(event.failure.executorId?.value ?? null, event.failure.agentId?.value ?? null);
        break;
      case 'ERROR':
        log.error({ message: event.error.message }, 'the master ended the subscription');
        break;
      default:
        return;
    }
    this.wake();
  }

  /** Gathers what comes at the same time, but so much at most that others, the API above all, have their turn. */
  async #hear(event: News): Promise<void> {
    this.#news.push(event);
    if (this.#news.length === 1) this.#taking = setImmediate().then(() => this.#takeNews());
    if (this.#news.length >= NEWS_AT_ONCE) await this.#taking;
    if (this.#unanswered > MOST_UNANSWERED) await this.#answering;
  }

  /** Stores what was told, then answers it; what is launched because of it goes first. */
  #takeNews(): void {
    const news = this.#news.splice(0);
    if (news.length === 0 || this.#over.signal.aborted) return;
    try {
      const { isNew, calls } = storeNews(this.#context, news);
      if (isNew) this.wake();
      this.#unanswered += calls.length;
      // None of them is waited for: what is not acknowledged is told again.
      const sent = calls.map((call) => send(this.#context, call).then(() => (this.#unanswered -= 1)));
      this.#answering = Promise.all(sent);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #onSubscribed(frameworkId: string): Promise<void> {
    const { jobs, log } = this.#context;
    rememberFramework(this.#context.state, frameworkId);
    // Also when the loss was not noticed, because this process itself stood still.
    jobs.resume();
    log.info({ frameworkId }, 'subscribed');
    this.#interest.reset();
    this.#reconciler.reset();
    await this.#reconciler.ask();
  }

  /**
   * An executor ended, or its whole agent is lost. Tasks end by updates of their own; when those are lost,
   * reconciliation finds it.
   */
  #onFailure(executorId: string | null, agentId: string | null): void {
    const { state, log } = this.#context;
    const nodes = executorId === null ? state.nodes.all() : [state.nodes.get(executorId)];
    const concerned = nodes.filter((node) => node !== null && node.agentId === agentId) as ClusterNode[];
    for (const node of concerned) {
      log.warn({ node: node.executorId, agentId }, executorId === null ? 'the agent is lost' : 'the executor ended');
      if (executorId !== null) this.#carryOut.executorEnded(node);
    }
    this.#reconciler.suspect(concerned.map((node) => node.executorId));
  }
}
