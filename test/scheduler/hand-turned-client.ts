import { setImmediate } from 'node:timers/promises';
import type { SchedulerCall, SchedulerClient, SchedulerEvent } from '../../src/mesos/types.ts';

const SUBSCRIBED: SchedulerEvent = { type: 'SUBSCRIBED', subscribed: { frameworkId: { value: 'fw' } } };

/** A master's connection, turned by hand. */
export class HandTurnedClient implements SchedulerClient {
  subscribed = false;
  readonly calls: SchedulerCall[] = [];
  /** Types of calls that do not reach the master. */
  readonly lost = new Set<SchedulerCall['type']>();
  /** Types of calls whose answer does not come before `answer`. */
  readonly unanswered = new Set<SchedulerCall['type']>();
  readonly #answers: (() => void)[] = [];
  #onEvent: (event: SchedulerEvent) => void | Promise<void> = () => undefined;

  async run(onEvent: (event: SchedulerEvent) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    this.#onEvent = onEvent;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  async subscribe(): Promise<void> {
    this.subscribed = true;
    await this.hear(SUBSCRIBED);
  }

  /** Returns when what was heard is stored. */
  async hear(event: SchedulerEvent): Promise<void> {
    await this.#onEvent(event);
    await setImmediate();
  }

  call(call: SchedulerCall): Promise<void> {
    this.calls.push(call);
    if (this.lost.has(call.type)) return Promise.reject(new Error('socket hang up'));
    return this.unanswered.has(call.type) ? new Promise((resolve) => this.#answers.push(resolve)) : Promise.resolve();
  }

  get waiting(): number {
    return this.#answers.length;
  }

  /** The oldest call that waits for its answer has it. */
  async answer(): Promise<void> {
    this.#answers.shift()?.();
    await setImmediate();
  }
}

/** Time passes by hand alone. */
export function untilAborted(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
}
