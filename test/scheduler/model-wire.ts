import { setImmediate } from 'node:timers/promises';
import { OperatorError } from '../../src/errors.ts';
import type { SchedulerCall, SchedulerClient, SchedulerEvent } from '../../src/mesos/types.ts';

/** As long as a client waits for an answer. */
const ANSWER_MS = 10_000;

interface Waiting {
  since: number;
  send: () => void;
  drop: () => void;
}

/**
 * Between a scheduler and a model of Mesos: calls arrive in the order in which they were made, and while it is stalled they wait for each
 * other. As in a real client one event is handled after the other, and a new subscription gives up the calls of the one before.
 */
export class ModelWire {
  /** Calls that never arrive. */
  loses: (call: SchedulerCall) => boolean = () => false;
  readonly #now: () => number;
  /** Null: everything passes at once. */
  #waiting: Waiting[] | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  stall(): void {
    this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { send } of waiting) send();
  }

  /** What was not answered in time is lost, with its connection. */
  pass(): void {
    if (this.#waiting?.some(({ since }) => this.#now() - since >= ANSWER_MS)) this.#drop();
  }

  #drop(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { drop } of waiting) drop();
  }

  through(client: SchedulerClient): SchedulerClient {
    let handled: Promise<void> = Promise.resolve();
    const handle = async (onEvent: (event: SchedulerEvent) => void | Promise<void>, event: SchedulerEvent) => {
      if (event.type === 'SUBSCRIBED') this.#drop();
      handled = handled.then(() => onEvent(event));
      // A handler that waits for an answer does not hold up the world.
      await (this.#waiting === null ? handled : Promise.race([handled, setImmediate()]));
    };
    return {
      get subscribed() {
        return client.subscribed;
      },
      run: (onEvent, signal) => client.run((event) => handle(onEvent, event), signal),
      call: (call) => (this.loses(call) ? Promise.reject(lost()) : this.#call(() => client.call(call))),
    };
  }

  #call(send: () => Promise<void>): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === null) return send();
    return new Promise((resolve, reject) => {
      waiting.push({
        since: this.#now(),
        send: () => void send().then(resolve, reject),
        drop: () => reject(lost()),
      });
    });
  }
}

function lost(): OperatorError {
  return new OperatorError('TIMEOUT', 'the call was not answered');
}
