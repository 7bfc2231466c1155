import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { Connection, ConnectionLost, type EventStream } from './connection.ts';
import { decodeSchedulerEvent, encodeSchedulerCall } from './messages.ts';
import type { FrameworkInfo, Id, SchedulerCall, SchedulerClient, SchedulerEvent } from './types.ts';

export interface SchedulerClientOptions {
  /** `host:port` or URL of each master; any of them leads to the leader. */
  masters: string[];
  /** With `id` when the framework was registered before: that takes its tasks over. */
  frameworkInfo: FrameworkInfo;
  log: Logger;
  clock: Clock;
  backoff: BackoffOptions;
  /** For the masters' HTTP basic authentication. */
  credential?: { principal: string; secret: string };
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
  readonly #masters: URL[];
  readonly #frameworkInfo: FrameworkInfo;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #connection: Connection;
  #nextMaster = 0;
  #frameworkId: Id | undefined;
  /** Set while subscribed. */
  #stream: Stream | null = null;

  /** Throws BAD_REQUEST when there is no master or one cannot be read as an address. */
  constructor({ masters, frameworkInfo, log, clock, backoff, credential, random }: SchedulerClientOptions) {
    if (masters.length === 0) throw new OperatorError('BAD_REQUEST', 'Expected at least one Mesos master, got none');
    this.#masters = masters.map(masterUrl);
    this.#frameworkInfo = frameworkInfo;
    this.#frameworkId = frameworkInfo.id;
    this.#log = log;
    this.#clock = clock;
    this.#backoff = new Backoff(backoff, random);
    this.#connection = new Connection(clock, credential === undefined ? {} : { Authorization: basic(credential) });
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
    await this.#connection.call(stream.url, encodeSchedulerCall(call, this.#frameworkId), headers);
  }

  async #subscribeUntilLost(onEvent: OnEvent, signal: AbortSignal): Promise<void> {
    const master = this.#masters[this.#nextMaster % this.#masters.length] as URL;
    this.#nextMaster += 1;
    let stream: Stream | null = null;
    try {
      stream = await this.#connection.subscribe(master, this.#subscribeCall(), decodeSchedulerEvent, signal);
      await this.#handleEvents(stream, onEvent);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      this.#log.warn({ master: master.href, reason: error.message }, 'no subscription at the Mesos master');
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
      if (event.type === 'ERROR') {
        throw new OperatorError('MESOS_REFUSED', `The Mesos master ended the subscription: ${event.error.message}`);
      }
    }
  }

  #subscribeCall(): Uint8Array {
    const id = this.#frameworkId;
    const frameworkInfo = { ...this.#frameworkInfo, ...(id === undefined ? {} : { id }) };
    return encodeSchedulerCall({ type: 'SUBSCRIBE', subscribe: { frameworkInfo } }, id);
  }
}

function masterUrl(master: string): URL {
  const text = master.includes('://') ? master : `http://${master}`;
  if (/^https?:/.test(text) && URL.canParse(text)) return new URL('/api/v1/scheduler', text);
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected a Mesos master as host:port or http(s) URL, got ${JSON.stringify(master)}`,
  );
}

function basic({ principal, secret }: { principal: string; secret: string }): string {
  return `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}`;
}
