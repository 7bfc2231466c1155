import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { Connection, ConnectionLost, type EventStream } from './connection.ts';
import { createMasterFinder, type MasterFinder } from './master-finder.ts';
import type { Masters } from './masters.ts';
import { decodeSchedulerEvent, encodeSchedulerCall } from './messages.ts';
import type { FrameworkInfo, Id, SchedulerCall, SchedulerClient, SchedulerEvent } from './types.ts';

export interface SchedulerClientOptions {
  /** As parseMasters gives them. */
  masters: Masters;
  /** With `id` when the framework was registered before: that takes its tasks over. */
  frameworkInfo: FrameworkInfo;
  log: Logger;
  clock: Clock;
  backoff: BackoffOptions;
  /** For the masters' HTTP basic authentication. */
  credential?: { principal: string; secret: string };
  /** Certificates in PEM that masters with https are checked by. Masters found by ZooKeeper are then taken as https. */
  ca?: string;
  /** Asked at each subscription: true when no offers are wanted, until REVIVE. */
  suppressed?: () => boolean;
  /** [0, 1); for the jitter. */
  random?: () => number;
}

/** Mesos's own, until SUBSCRIBED told what the master is set to. */
const DEFAULT_HEARTBEAT_SECONDS = 15;
/** A master that was silent for so many heartbeats is taken as gone. */
const MISSED_HEARTBEATS = 3.5;

type Stream = EventStream<ReturnType<typeof decodeSchedulerEvent>>;
type OnEvent = (event: SchedulerEvent) => void | Promise<void>;

/** A scheduler's subscription at whichever master leads. */
export class MesosSchedulerClient implements SchedulerClient {
  readonly #masters: MasterFinder;
  readonly #frameworkInfo: FrameworkInfo;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #connection: Connection;
  readonly #suppressed: () => boolean;
  #frameworkId: Id | undefined;
  /** Set while subscribed. */
  #stream: Stream | null = null;

  /** Throws BAD_REQUEST when `ca` is no certificate. */
  constructor(options: SchedulerClientOptions) {
    const { masters, frameworkInfo, log, clock, backoff, credential, ca, suppressed = () => false, random } = options;
    const jitter = random === undefined ? {} : { random };
    this.#masters = createMasterFinder(masters, { secure: ca !== undefined, backoff, log, clock, ...jitter });
    this.#suppressed = suppressed;
    this.#frameworkInfo = frameworkInfo;
    this.#frameworkId = frameworkInfo.id;
    this.#log = log;
    this.#clock = clock;
    this.#backoff = new Backoff(backoff, random);
    this.#connection = new Connection({
      clock,
      ...(ca === undefined ? {} : { ca }),
      ...(credential === undefined ? {} : { authorization: basic(credential) }),
    });
  }

  get subscribed(): boolean {
    return this.#stream !== null;
  }

  async run(onEvent: OnEvent, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#subscribeUntilLost(onEvent, signal);
        await this.#clock.sleep(this.#backoff.next(), signal);
      }
    } catch (error) {
      if (signal.aborted && error === signal.reason) return;
      throw error;
    } finally {
      this.#masters.close();
    }
  }

  async call(call: SchedulerCall): Promise<void> {
    const stream = this.#stream;
    if (stream === null) {
      throw new OperatorError(
        'MESOS_UNAVAILABLE',
        `Expected a subscription at a Mesos master for ${call.type}, got none`,
      );
    }
    const headers = stream.streamId === undefined ? {} : { 'Mesos-Stream-Id': stream.streamId };
    try {
      await this.#connection.call(stream.url, encodeSchedulerCall(call, this.#frameworkId), headers);
    } catch (error) {
      // The master has lost this stream. (With another stream's id, 400, it tells the older one by ERROR.)
      if (error instanceof OperatorError && error.details['status'] === 403) stream.close();
      throw error;
    }
  }

  async #subscribeUntilLost(onEvent: OnEvent, signal: AbortSignal): Promise<void> {
    let stream: Stream | null = null;
    try {
      const { url, replaced } = await this.#masters.leader(signal);
      const either = AbortSignal.any([signal, replaced]);
      stream = await this.#connection.subscribe(url, this.#subscribeCall(), decodeSchedulerEvent, either);
      await this.#handleEvents(stream, onEvent);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      this.#log.warn({ reason: error.message }, 'no subscription at the Mesos master');
    } finally {
      this.#stream = null;
      stream?.close();
    }
  }

  /** Ends by throwing. */
  async #handleEvents(stream: Stream, onEvent: OnEvent): Promise<never> {
    let heartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS;
    for (;;) {
      const event = await stream.next(heartbeatSeconds * MISSED_HEARTBEATS * 1000);
      if (event.type === 'UNKNOWN') continue;
      // Heard twice it would be taken for a new subscription, at whose beginning calls under way are given up.
      if (event.type === 'SUBSCRIBED' && this.#stream === stream) continue;
      if (event.type === 'SUBSCRIBED') {
        this.#frameworkId = event.subscribed.frameworkId;
        heartbeatSeconds = event.subscribed.heartbeatIntervalSeconds ?? DEFAULT_HEARTBEAT_SECONDS;
        this.#stream = stream;
        this.#connection.dropCalls();
        this.#backoff.reset();
        this.#log.info(
          { master: stream.url.href, frameworkId: this.#frameworkId.value },
          'subscribed at the Mesos master',
        );
      }
      await onEvent(event);
      if (event.type === 'ERROR') throw subscriptionEnded(event.error.message);
    }
  }

  #subscribeCall(): Uint8Array {
    const id = this.#frameworkId;
    const frameworkInfo = { ...this.#frameworkInfo, ...(id === undefined ? {} : { id }) };
    const suppressedRoles = this.#suppressed() ? (frameworkInfo.roles ?? []) : [];
    return encodeSchedulerCall({ type: 'SUBSCRIBE', subscribe: { frameworkInfo, suppressedRoles } }, id);
  }
}

/** What a master's ERROR means: it does not take this subscription, now or later. */
function subscriptionEnded(said: string): OperatorError {
  const message = `The Mesos master ended the subscription: ${said}`;
  if (/has been removed/i.test(said)) {
    const hint =
      'Mesos has ended its tasks, by a teardown or after the failover timeout, and never takes its id again. ' +
      'Start with --forget-framework to register anew; nodes, places and data stay.';
    return new OperatorError('FRAMEWORK_REMOVED', message, { hint });
  }
  if (/failed over/i.test(said)) {
    const hint = 'Another scheduler with the same state has taken the framework over: run one of them only.';
    return new OperatorError('MESOS_REFUSED', message, { hint });
  }
  return new OperatorError('MESOS_REFUSED', message);
}

function basic({ principal, secret }: { principal: string; secret: string }): string {
  return `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}`;
}
