import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Backoff } from './backoff.ts';
import { Connection, ConnectionLost, type EventStream } from './connection.ts';
import type { ExecutorEnvironment } from './executor-environment.ts';
import { decodeExecutorEvent, encodeExecutorCall, type ExecutorIdentity } from './messages.ts';
import { Unacknowledged, type KeptUpdate } from './unacknowledged.ts';
import type { ExecutorCall, ExecutorClient, ExecutorEvent, TaskStatus } from './types.ts';

/** What the agent told the executor; `agentEndpoint` may be a URL as well. */
export interface ExecutorClientOptions extends Omit<
  ExecutorEnvironment,
  'sandbox' | 'shutdownGracePeriodMs' | 'caFile'
> {
  log: Logger;
  clock: Clock;
  /** [0, 1); for the jitter. */
  random?: () => number;
}

/** From the answer to SUBSCRIBE to the event SUBSCRIBED. After that an agent may be silent for as long as it likes. */
const SUBSCRIBED_TIMEOUT_MS = 30_000;

type Stream = EventStream<ReturnType<typeof decodeExecutorEvent>>;
type OnEvent = (event: ExecutorEvent) => void | Promise<void>;

/** An executor's subscription at the agent that started it. */
export class MesosExecutorClient implements ExecutorClient {
  readonly #options: ExecutorClientOptions;
  readonly #identity: ExecutorIdentity;
  readonly #agent: URL;
  readonly #connection: Connection;
  readonly #backoff: Backoff;
  readonly #unacknowledged = new Unacknowledged();
  /** Set while subscribed. */
  #stream: Stream | null = null;
  /** Epoch ms since when there is no subscription. */
  #awaySince: number;
  #everSubscribed = false;
  /** The end of the queue of updates: each is sent after the one before. */
  #sending: Promise<void> = Promise.resolve();

  constructor(options: ExecutorClientOptions) {
    const { agentEndpoint, frameworkId, executorId, clock, authToken, ca, backoff, random } = options;
    this.#options = options;
    this.#identity = { executorId: { value: executorId }, frameworkId: { value: frameworkId } };
    this.#agent = new URL(
      '/api/v1/executor',
      agentEndpoint.includes('://') ? agentEndpoint : `http://${agentEndpoint}`,
    );
    this.#connection = new Connection({
      clock,
      ...(ca === undefined ? {} : { ca }),
      ...(authToken === undefined ? {} : { authorization: `Bearer ${authToken}` }),
    });
    this.#backoff = new Backoff(backoff, random);
    this.#awaySince = clock.now();
  }

  async run(onEvent: OnEvent, signal: AbortSignal): Promise<void> {
    this.#awaySince = this.#options.clock.now();
    try {
      for (;;) {
        const reason = await this.#subscribeUntilLost(onEvent, signal);
        await this.#options.clock.sleep(this.#waitAfter(reason), signal);
      }
    } catch (error) {
      if (signal.aborted && error === signal.reason) return;
      throw error;
    }
  }

  async update(status: Pick<TaskStatus, 'taskId' | 'state' | 'message' | 'data' | 'healthy'>): Promise<void> {
    const kept = this.#unacknowledged.addUpdate({
      ...status,
      executorId: this.#identity.executorId,
      source: 'SOURCE_EXECUTOR',
      timestamp: this.#options.clock.now() / 1000,
      uuid: randomBytes(16),
    });
    await this.#enqueue(kept);
  }

  async message(data: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream === null) return;
    try {
      await this.#call(stream, { type: 'MESSAGE', message: { data } });
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, 'a framework message was lost');
    }
  }

  /** Ends with the reason for the loss. */
  async #subscribeUntilLost(onEvent: OnEvent, signal: AbortSignal): Promise<ConnectionLost> {
    let stream: Stream | null = null;
    try {
      const subscribe = this.#unacknowledged.handOver();
      const body = encodeExecutorCall({ type: 'SUBSCRIBE', subscribe }, this.#identity);
      stream = await this.#connection.subscribe(this.#agent, body, decodeExecutorEvent, signal);
      return await this.#handleEvents(stream, onEvent);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      this.#options.log.warn({ reason: error.message }, 'no subscription at the Mesos agent');
      return error;
    } finally {
      if (stream !== null) this.#lose(stream);
    }
  }

  /** From here on updates wait for the next subscription. */
  #lose(stream: Stream): void {
    if (this.#stream === stream) {
      this.#stream = null;
      this.#awaySince = this.#options.clock.now();
    }
    stream.close();
  }

  /** Ends by throwing. */
  async #handleEvents(stream: Stream, onEvent: OnEvent): Promise<never> {
    for (;;) {
      const event = await stream.next(this.#stream === null ? SUBSCRIBED_TIMEOUT_MS : null);
      if (event.type === 'UNKNOWN') continue;
      // Heard twice it would be taken for a new subscription, at whose beginning calls under way are given up.
      if (event.type === 'SUBSCRIBED' && this.#stream === stream) continue;
      if (event.type === 'SUBSCRIBED') this.#onSubscribed(stream);
      if (event.type === 'LAUNCH') this.#unacknowledged.addTask(event.launch.task);
      if (event.type === 'ACKNOWLEDGED') this.#unacknowledged.acknowledge(event.acknowledged);
      await onEvent(event);
      if (event.type === 'ERROR') {
        throw new OperatorError('MESOS_REFUSED', `The Mesos agent ended the subscription: ${event.error.message}`);
      }
    }
  }

  #onSubscribed(stream: Stream): void {
    const { log } = this.#options;
    this.#stream = stream;
    this.#connection.dropCalls();
    this.#everSubscribed = true;
    this.#backoff.reset();
    log.info({ agent: stream.url.href }, 'subscribed at the Mesos agent');
    // Updates that came after SUBSCRIBE was written. Whoever made them has gone on.
    for (const kept of this.#unacknowledged.unsent()) {
      this.#enqueue(kept).catch((error: unknown) =>
        log.error({ reason: messageOf(error) }, 'a status update was refused'),
      );
    }
  }

  /** Milliseconds until the next attempt. Throws when there is to be none. */
  #waitAfter(reason: ConnectionLost): number {
    const { checkpoint, recoveryTimeoutMs, clock } = this.#options;
    const options = { cause: reason, hint: 'Look at the log of the Mesos agent on this host.' };
    if (!checkpoint && this.#everSubscribed) {
      const message = `Lost the Mesos agent, and without checkpointing it does not take executors back: ${reason.message}`;
      throw new OperatorError('MESOS_UNAVAILABLE', message, options);
    }
    const left = this.#awaySince + recoveryTimeoutMs - clock.now();
    if (left > 0) return Math.min(this.#backoff.next(), left);
    const message = `Expected the Mesos agent back within ${recoveryTimeoutMs} ms, it is still away: ${reason.message}`;
    throw new OperatorError('MESOS_UNAVAILABLE', message, options);
  }

  #enqueue(kept: KeptUpdate): Promise<void> {
    const sent = this.#sending.then(() => this.#send(kept));
    // The queue goes on after an update that failed; whoever queued it is told through `sent`.
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  async #send(kept: KeptUpdate): Promise<void> {
    const stream = this.#stream;
    if (stream === null || kept.sent) return;
    kept.sent = true;
    try {
      await this.#call(stream, { type: 'UPDATE', update: { status: kept.status } });
    } catch (error) {
      if (error instanceof OperatorError && error.code === 'MESOS_REFUSED') {
        this.#unacknowledged.drop(kept);
        throw error;
      }
      // The agent may have missed it: only a new subscription settles that, with this update before all later ones.
      this.#options.log.warn({ reason: messageOf(error) }, 'a status update is to be sent again');
      this.#lose(stream);
    }
  }

  #call(stream: Stream, call: ExecutorCall): Promise<void> {
    return this.#connection.call(stream.url, encodeExecutorCall(call, this.#identity));
  }
}
